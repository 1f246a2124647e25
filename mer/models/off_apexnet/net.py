"""OFF-ApexNet: two small convolutional streams over u and v."""

from jaxtyping import Float
from torch import Tensor, cat, nn

from mer.errors import require_integer, require_number
from mer.models.cam import CamLayers, cell_grid
from mer.models.inputs import require_inputs

_SHRINK = 4  # two pools halve the maps


class OffApexNet(nn.Module):
    """Two streams of two 5x5 convolutions, their maps concatenated, two hidden layers of 1024.

    2,664,475 parameters at 28x28 with three classes and one channel a stream.

    Source: Gan, Liong, Yau, Huang and Ken, Signal Processing: Image Communication 74, 2019, doi
    10.1016/j.image.2019.02.005.

    Args:
        num_classes: number of logits.
        input_size: height and width of the inputs, px.
        in_channels: channels of each stream's input; u and v, one each, are the paper's.
        dropout: probability before each hidden layer.
    """

    def __init__(
        self, num_classes: int, input_size: int = 28, in_channels: tuple[int, int] = (1, 1), dropout: float = 0.5
    ) -> None:
        super().__init__()
        require_inputs("OFF-ApexNet", in_channels, 2, "set features=u_v")
        side = require_integer("features.size", input_size, _SHRINK, 10_000) // _SHRINK
        chance = require_number("model.dropout", dropout, 0, 1)
        self.stream_a, self.stream_b = (_stream(channels) for channels in in_channels)
        self.head = nn.Sequential(
            nn.Dropout(chance),
            nn.Linear(2 * 16 * side**2, 1024),
            nn.ReLU(inplace=True),
            nn.Dropout(chance),
            nn.Linear(1024, 1024),
            nn.ReLU(inplace=True),
            nn.Linear(1024, num_classes),
        )

    def forward(
        self,
        first: Float[Tensor, "batch channel_a height width"],
        second: Float[Tensor, "batch channel_b height width"],
    ) -> Float[Tensor, "batch classes"]:
        """``(B, C_a, H, W)``, ``(B, C_b, H, W)`` -> logits ``(B, num_classes)``."""
        seen = cat([self.stream_a(first).flatten(-3), self.stream_b(second).flatten(-3)], dim=-1)
        logits: Tensor = self.head(seen)
        return logits

    @property
    def cam_layers(self) -> CamLayers:
        """Both streams' last maps, side by side."""
        return CamLayers({"a": self.stream_a, "b": self.stream_b}, cell_grid(self.stream_a))


def _stream(in_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, 6, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )
