"""Dual-Inception: two streams of two inception blocks over u and v."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import require_integer, require_number
from mer.models.cam import CamLayers, cell_grid
from mer.models.inputs import require_inputs

_SHRINK = 4  # two pools halve the maps


class InceptionBlock(nn.Module):
    """1x1, 3x3 and 5x5 convolutions and a pooled 1x1 beside each other, concatenated.

    Args:
        in_channels: of the input.
        width: channels of each of the four paths.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            [
                _path(in_channels, width),
                _path(in_channels, width, 3),
                _path(in_channels, width, 5),
                nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), *_path(in_channels, width)),
            ]
        )

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, C, H, W)`` -> ``(B, 4 width, H, W)``."""
        return torch.cat([path(maps) for path in self.paths], dim=-3)


class DualInceptionNet(nn.Module):
    """Two streams of two inception blocks, concatenated, one hidden layer.

    Source: Zhou, Mao and Xue, FG 2019, doi 10.1109/FG.2019.8756579.

    Args:
        num_classes: number of logits.
        input_size: height and width of the inputs, px.
        in_channels: channels of each stream's input; u and v, one each.
        widths: channels of each path of the first and the second block.
        hidden: units of the hidden layer.
        dropout: probability before the last layer.
    """

    def __init__(
        self,
        num_classes: int,
        input_size: int = 28,
        in_channels: tuple[int, int] = (1, 1),
        widths: Sequence[int] = (6, 16),
        hidden: int = 1024,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        require_inputs("Dual-Inception", in_channels, 2, "set features=u_v")
        side = require_integer("features.size", input_size, _SHRINK, 10_000) // _SHRINK
        self.stream_a, self.stream_b = (_stream(channels, widths) for channels in in_channels)
        self.head = nn.Sequential(
            nn.Linear(2 * 4 * widths[-1] * side**2, require_integer("model.hidden", hidden, 1, 100_000)),
            nn.ReLU(inplace=True),
            nn.Dropout(require_number("model.dropout", dropout, 0, 1)),
            nn.Linear(hidden, num_classes),
        )

    def forward(
        self,
        first: Float[Tensor, "batch channel_a height width"],
        second: Float[Tensor, "batch channel_b height width"],
    ) -> Float[Tensor, "batch classes"]:
        """``(B, C_a, H, W)``, ``(B, C_b, H, W)`` -> logits ``(B, num_classes)``."""
        seen = torch.cat([self.stream_a(first).flatten(-3), self.stream_b(second).flatten(-3)], dim=-1)
        logits: Tensor = self.head(seen)
        return logits

    @property
    def cam_layers(self) -> CamLayers:
        """Both streams' last maps, side by side."""
        return CamLayers({"a": self.stream_a, "b": self.stream_b}, cell_grid([self.stream_a[1], self.stream_a[3]]))


def _stream(in_channels: int, widths: Sequence[int]) -> nn.Sequential:
    first, second = widths
    return nn.Sequential(
        InceptionBlock(in_channels, first), nn.MaxPool2d(2), InceptionBlock(4 * first, second), nn.MaxPool2d(2)
    )


def _path(in_channels: int, width: int, kernel: int = 1) -> nn.Sequential:
    before = [] if kernel == 1 else [nn.Conv2d(in_channels, width, 1), nn.ReLU()]
    last = nn.Conv2d(width if before else in_channels, width, kernel, padding=kernel // 2)
    return nn.Sequential(*before, last, nn.ReLU())
