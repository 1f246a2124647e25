"""STSTNet: three shallow streams over (u, v, eps), Liong et al., FG 2019, doi 10.1109/FG.2019.8756567."""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError, require_integer, require_number
from mer.models.cam import CamLayers, cell_grid
from mer.models.ststnet.fused import conv_relu_norm_pool

PAPER_WIDTHS = (3, 5, 8)


class STSTNet(nn.Module):
    """Shallow Triple Stream Three-dimensional CNN.

    Each stream is a 3x3 convolution over all channels, ReLU, batch norm, max pooling and dropout; the streams' maps
    together are averaged 2x2 and go through one linear layer. All streams see the same input through kernels of one
    size, so they are one convolution of ``sum(widths)`` channels here: the same function, initial distribution and
    gradient, in a third of the calls. In training on a CPU the layers up to the pooling are one operation, see
    :mod:`mer.models.ststnet.fused`.

    Args:
        num_classes: number of logits.
        widths: channels of the streams.
        input_size: px.
        in_channels: channels of the one input.
        dropout: probability after the pooling.

    Raises:
        MerError: not one input, or one too small to pool.
    """

    def __init__(
        self,
        num_classes: int,
        widths: Sequence[int] = PAPER_WIDTHS,
        input_size: int = 28,
        in_channels: Sequence[int] = (3,),
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if len(in_channels) != 1:
            raise MerError("one input for STSTNet", f"{len(in_channels)}", "set features=uveps")
        channels = sum(require_integer("model.widths", width, 1, 4096) for width in widths)
        side_px = ((require_integer("features.size", input_size, 4, 4096) + 1) // 3 + 1) // 2
        self.conv = nn.Conv2d(in_channels[0], channels, 3, padding=2)
        self.relu = nn.ReLU(inplace=True)
        self.norm = nn.BatchNorm2d(channels)
        self.pool = nn.MaxPool2d(3, stride=3, padding=1)
        self.dropout = nn.Dropout(require_number("model.dropout", dropout, 0, 1))
        self.average = nn.AvgPool2d(2)
        self.head = nn.Linear(channels * side_px**2, num_classes)

    def forward(self, maps: Float[Tensor, "*batch channel height width"]) -> Float[Tensor, "*batch classes"]:
        """``(B, C, H, W)`` -> logits ``(B, num_classes)``."""
        if self._can_fuse(maps):
            return self._averaged_head(self.dropout(self._fused(maps)))
        pooled = self.pool(self.norm(self.relu(self.conv(maps))))
        logits: Tensor = self.head(self.average(self.dropout(pooled)).flatten(-3))
        return logits

    @property
    def cam_layers(self) -> CamLayers:
        """The streams' pooled maps, channels of one convolution."""
        return CamLayers({"streams": self.pool}, cell_grid([self.conv, self.pool]))

    def _can_fuse(self, maps: Tensor) -> bool:
        """In training on a CPU, in one precision; pooling before the norm takes factors above 0, where norms begin."""
        return (
            self.training
            and torch.is_grad_enabled()
            and isinstance(self.norm, nn.BatchNorm2d)  # a stack of folds has another
            and maps.device.type == "cpu"
            and maps.dtype == self.conv.weight.dtype
            and maps.dtype in (torch.float32, torch.float64)
            and not maps.requires_grad
            and not torch.is_autocast_enabled("cpu")
            and bool((self.norm.weight > 0).all())
        )

    def _fused(self, maps: Tensor) -> Tensor:
        conv, norm = self.conv, self.norm
        bias, running_mean, running_var = (
            cast(Tensor, one) for one in (conv.bias, norm.running_mean, norm.running_var)
        )
        pooled, mean, variance = conv_relu_norm_pool(maps, conv.weight, bias, norm.weight, norm.bias, norm.eps)
        momentum, count = cast(float, norm.momentum), len(maps) * (maps.shape[-2] + 2) * (maps.shape[-1] + 2)
        with torch.no_grad():
            running_mean.lerp_(mean, momentum)
            running_var.lerp_(variance * (count / (count - 1)), momentum)
            cast(Tensor, norm.num_batches_tracked).add_(1)
        return pooled

    def _averaged_head(self, pooled: Tensor) -> Tensor:
        """Means of 2x2 and the linear layer as one: each weight over four places, a quarter each."""
        channels, side = pooled.shape[1], pooled.shape[-1]
        weight = self.head.weight.view(-1, channels, side // 2, side // 2) / 4
        spread = weight.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2)
        spread = F.pad(spread, (0, side % 2, 0, side % 2))  # an odd last row and column are in no mean
        return F.linear(pooled.flatten(1), spread.flatten(1), self.head.bias)
