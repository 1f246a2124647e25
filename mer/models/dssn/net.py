"""DSSN, the dual-stream shallow network: two truncated AlexNets over magnitude and strain."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError, require_choice, require_number
from mer.models.cam import CamLayers, cell_grid
from mer.models.inputs import require_inputs

_FUSIONS = ("add", "concat", "multiply")
_SMALLEST_PX = 63  # below it the second pool has nothing left


class DualStreamShallowNet(nn.Module):
    """Two streams of AlexNet's first two layers, their maps fused element by element, then one linear layer.

    Source: Khor, See, Liong, Phan and Lin, ICIP 2019, doi 10.1109/ICIP.2019.8802965.

    Args:
        num_classes: number of logits.
        input_size: height and width of the inputs, px; 227 is the paper's.
        in_channels: channels of each stream's input; m and eps, one each.
        fusion: ``multiply`` (the authors' code), ``add`` or ``concat``.
        dropout: probability before the linear layer.
    """

    def __init__(
        self,
        num_classes: int,
        input_size: int = 227,
        in_channels: tuple[int, int] = (1, 1),
        fusion: str = "multiply",
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        require_inputs("DSSN", in_channels, 2, "set features=m_eps")
        if input_size < _SMALLEST_PX:
            raise MerError(f"features.size of {_SMALLEST_PX} or more", f"{input_size}", "set features.size=227")
        self.fusion = require_choice("model.fusion", fusion, _FUSIONS)
        self.stream_a, self.stream_b = (_stream(channels) for channels in in_channels)
        features = 256 * _last_side(input_size) ** 2 * (2 if fusion == "concat" else 1)
        self.fused = nn.Identity()  # where the fused maps can be seen, see cam_layers
        self.dropout = nn.Dropout(require_number("model.dropout", dropout, 0, 1))
        self.head = nn.Linear(features, num_classes)
        nn.init.kaiming_normal_(self.head.weight)

    def forward(
        self,
        first: Float[Tensor, "batch channel_a height width"],
        second: Float[Tensor, "batch channel_b height width"],
    ) -> Float[Tensor, "batch classes"]:
        """``(B, C_a, H, W)``, ``(B, C_b, H, W)`` -> logits ``(B, num_classes)``."""
        logits: Tensor = self.head(
            self.dropout(self.fused(self._fuse(self.stream_a(first), self.stream_b(second))).flatten(-3))
        )
        return logits

    @property
    def cam_layers(self) -> CamLayers:
        """The streams' last maps, and the fused ones."""
        return CamLayers({"a": self.stream_a, "b": self.stream_b}, cell_grid(self.stream_a), self.fused)

    def _fuse(self, first: Tensor, second: Tensor) -> Tensor:
        if self.fusion == "concat":
            return torch.cat([first, second], dim=-3)
        return first * second if self.fusion == "multiply" else first + second


def _stream(in_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, 96, 11, stride=4),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
        nn.LocalResponseNorm(5, k=2.0),
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
        nn.LocalResponseNorm(5, k=2.0),
        nn.ZeroPad2d(1),
    )


def _last_side(input_size: int) -> int:
    pooled = ((input_size - 11) // 4 + 1 - 3) // 2 + 1
    return (pooled - 3) // 2 + 1 + 2
