"""RCN-A: a shallow recurrent convolutional network with attention that has no parameters."""

from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import require_integer, require_number
from mer.models.cam import CamLayers, cell_grid
from mer.models.inputs import require_inputs


class RecurrentLayer(nn.Module):
    """``y_0 = f(x)``, then ``y_n = g(x + y_{n-1})`` with one 3x3 ``g`` for all steps.

    Args:
        channels: of input and output.
        steps: how often g is applied.
    """

    def __init__(self, channels: int, steps: int = 2) -> None:
        super().__init__()
        self.steps = require_integer("model.steps", steps, 1, 100)
        self.feed_forward = _convolution(channels, 1)
        self.recurrent = _convolution(channels, 3)

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, C, H, W)`` -> the same shape."""
        state: Tensor = self.feed_forward(maps)
        for _ in range(self.steps):
            state = self.recurrent(maps + state)
        return state


class RecurrentConvNet(nn.Module):
    """A convolution, a recurrent convolutional layer, pooling to a grid, class-wise attention, a linear layer.

    The attention weighs the grid's cells by what the linear layer itself makes of the first convolution's maps.

    Source: Xia, Peng, Khor and Zhao, IEEE TIP 29, 2020, doi 10.1109/TIP.2020.3018222.

    Args:
        num_classes: number of logits.
        input_size: height and width of the inputs, px.
        in_channels: channels of the input.
        width: channels of all maps.
        grid: side of the grid that the maps are pooled to.
        steps: of the recurrent layer.
        dropout: probability after each pool.
        attention: without it the network is the authors' plain RCN.
    """

    def __init__(
        self,
        num_classes: int,
        input_size: int = 60,
        in_channels: tuple[int, ...] = (3,),
        width: int = 32,
        grid: int = 5,
        steps: int = 2,
        dropout: float = 0.5,
        attention: bool = True,
    ) -> None:
        super().__init__()
        require_inputs("RCN-A", in_channels, 1, "set features=uvm")
        require_integer("features.size", input_size, 12, 10_000)
        width, grid = require_integer("model.width", width, 1, 4096), require_integer("model.grid", grid, 1, 64)
        chance = require_number("model.dropout", dropout, 0, 1)
        self.attention = attention
        self.conv = nn.Sequential(
            nn.Conv2d(in_channels[0], width, 5), nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.MaxPool2d(2)
        )
        self.recurrent = nn.Sequential(nn.Dropout(chance), RecurrentLayer(width, steps), nn.MaxPool2d(2))
        self.dropout = nn.Dropout(chance)
        self.grid = nn.AdaptiveAvgPool2d(grid)
        self.head = nn.Linear(width * grid**2, num_classes)

    def forward(self, maps: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch classes"]:
        """``(B, C, H, W)`` -> logits ``(B, num_classes)``."""
        early: Tensor = self.conv(maps)
        late = self.grid(self.dropout(self.recurrent(early)))
        if self.attention:
            late = late * class_attention(self.grid(early), self.head.weight)
        logits: Tensor = self.head(late.flatten(-3))
        return logits

    @property
    def cam_layers(self) -> CamLayers:
        """The recurrent layer's pooled maps, before the grid; its own convolutions leave a cell in its place."""
        return CamLayers({"recurrent": self.recurrent}, cell_grid([*self.conv, self.recurrent[2]]))


def class_attention(
    maps: Float[Tensor, "batch channel grid grid"], weight: Float[Tensor, "classes features"]
) -> Float[Tensor, "batch 1 grid grid"]:
    """Mean over the classes of their activation maps ``mean_channel(W_c * z)``, each scaled to [0, 1] by its own range.

    Args:
        maps: z, pooled to the grid.
        weight: of the linear layer over the flattened grid, ``(C, channels grid^2)``.
    """
    by_class = weight.unflatten(1, maps.shape[1:])  # type: ignore[no-untyped-call]
    activation = (maps[:, None] * by_class).mean(dim=2)
    low, high = activation.amin(dim=(2, 3), keepdim=True), activation.amax(dim=(2, 3), keepdim=True)
    scaled: Tensor = (activation - low) / (high - low).clamp_min(1e-12)
    return scaled.mean(dim=1, keepdim=True)


def _convolution(channels: int, kernel: int) -> nn.Sequential:
    conv = nn.Conv2d(channels, channels, kernel, padding=kernel // 2)
    return nn.Sequential(conv, nn.BatchNorm2d(channels), nn.ReLU())
