"""3D-FCNN: three streams of 3-D convolutions over a clip's grey frames, u and v."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import require_integer, require_number
from mer.models.inputs import require_inputs

_SHRINK = 8  # three pools halve the maps


class FlowCNN3d(nn.Module):
    """Three streams of three 3x3x3 convolutions each, a hidden layer a stream, concatenated, one linear layer.

    Source: Li, Wang, See and Liu, Pattern Analysis and Applications 22, 2019, doi 10.1007/s10044-018-0757-5; its layer
    table could not be read, the layers are mer's choice.

    Args:
        num_classes: number of logits.
        input_size: height and width of a frame, px.
        in_channels: channels of each stream's frames; grey, u and v, one each.
        widths: channels of the three convolutions.
        grid_frames: steps in time that the last maps are averaged to, so that clips may have any length; the poolings
            leave 4 of 16 to 19 frames.
        hidden: units of a stream's hidden layer.
        dropout: probability before the last layer.
    """

    def __init__(
        self,
        num_classes: int,
        input_size: int = 96,
        in_channels: Sequence[int] = (1, 1, 1),
        widths: Sequence[int] = (16, 32, 64),
        grid_frames: int = 4,
        hidden: int = 128,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        require_inputs("3D-FCNN", in_channels, 3, "set features=grey_u_v_frames")
        side = require_integer("features.size", input_size, _SHRINK, 10_000) // _SHRINK
        steps = require_integer("model.grid_frames", grid_frames, 1, 1000)
        hidden = require_integer("model.hidden", hidden, 1, 100_000)
        self.streams = nn.ModuleList(
            nn.Sequential(
                _convolutions(channels, widths),
                nn.AdaptiveAvgPool3d((steps, side, side)),
                nn.Flatten(),
                nn.Linear(widths[-1] * steps * side**2, hidden),
                nn.ReLU(inplace=True),
            )
            for channels in in_channels
        )
        self.dropout = nn.Dropout(require_number("model.dropout", dropout, 0, 1))
        self.head = nn.Linear(len(in_channels) * hidden, num_classes)

    def forward(
        self,
        grey: Float[Tensor, "batch time_grey channel_a height width"],
        u: Float[Tensor, "batch time_flow channel_b height width"],
        v: Float[Tensor, "batch time_flow channel_c height width"],
    ) -> Float[Tensor, "batch classes"]:
        """Three clips ``(B, T, C, H, W)`` -> logits ``(B, num_classes)``."""
        seen = [stream(clip.transpose(1, 2)) for stream, clip in zip(self.streams, (grey, u, v), strict=True)]
        logits: Tensor = self.head(self.dropout(torch.cat(seen, dim=-1)))
        return logits


def _convolutions(in_channels: int, widths: Sequence[int]) -> nn.Sequential:
    first, second, third = widths
    return nn.Sequential(
        *(nn.Conv3d(in_channels, first, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool3d((1, 2, 2))),
        *(nn.Conv3d(first, second, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool3d(2)),
        *(nn.Conv3d(second, third, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool3d(2)),
    )
