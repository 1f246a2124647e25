"""Multi-stream CNN of optical flow and Eulerian magnification: a shallow CNN for each view of the motion."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError, require_integer, require_number

_SHRINK = 8  # three pools halve the maps


class FlowMagnificationNet(nn.Module):
    """Streams of three convolutions, their features concatenated, one hidden layer.

    Source: Liu, Li, Song and Zhao 2020, arXiv:2011.03756: magnified clips, and a stream each for a mask made of the
    flow, the flow and the grey image. Its layer table could not be read, the layers are mer's choice.

    Args:
        num_classes: number of logits.
        input_size: height and width of the inputs, px.
        in_channels: channels of each stream's input; two streams or more. Mask, (u, v) and grey are the paper's.
        widths: channels of the three convolutions.
        hidden: units of the hidden layer.
        dropout: probability before each linear layer.
    """

    def __init__(
        self,
        num_classes: int,
        input_size: int = 64,
        in_channels: Sequence[int] = (1, 2, 1),
        widths: Sequence[int] = (16, 32, 64),
        hidden: int = 128,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if len(in_channels) < 2:
            raise MerError("two inputs or more for flow_evm", f"{len(in_channels)}", "set features=mask_flow_grey")
        side = require_integer("features.size", input_size, _SHRINK, 10_000) // _SHRINK
        chance = require_number("model.dropout", dropout, 0, 1)
        hidden = require_integer("model.hidden", hidden, 1, 100_000)
        self.streams = nn.ModuleList(_stream(channels, widths) for channels in in_channels)
        self.head = nn.Sequential(
            nn.Dropout(chance),
            nn.Linear(len(in_channels) * widths[-1] * side**2, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(chance),
            nn.Linear(hidden, num_classes),
        )

    def forward(self, *maps: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch classes"]:
        """One ``(B, C_i, H, W)`` a stream -> logits ``(B, num_classes)``."""
        seen = [stream(one).flatten(-3) for stream, one in zip(self.streams, maps, strict=True)]
        logits: Tensor = self.head(torch.cat(seen, dim=-1))
        return logits


def _stream(in_channels: int, widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels, width in zip((in_channels, *widths), widths, strict=False):
        conv = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
    return nn.Sequential(*layers)
