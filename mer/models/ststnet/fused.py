"""Convolution, ReLU, batch norm and max pooling as one differentiable operation, for training on a CPU.

Layer by layer, each of the four writes and reads maps of the convolution's size, more than a cache holds, and the time
goes to memory. Here a few clips at a time go through all of it. That is possible because batch norm is affine for each
channel and, for a positive factor, increasing: it commutes with max pooling. So the rectified convolution is pooled at
once, and the batch's statistics, known after the last clip, are applied to maps a ninth as large.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

_CLIPS = 16  # at once: fewer are more calls; more are faster alone, and too many for the caches of two workers
_POOL = ([3, 3], [3, 3], [1, 1], [1, 1], False)  # sides, strides, paddings, dilations, rounding up


class NormedMaps(NamedTuple):
    """Pooled, normed maps ``(B, out, side, side)``, and the channels' mean and biased variance."""

    pooled: Tensor
    mean: Tensor
    variance: Tensor


def conv_relu_norm_pool(
    maps: Float[Tensor, "batch channel height width"],
    weight: Float[Tensor, "out channel 3 3"],
    bias: Float[Tensor, " out"],
    scale: Float[Tensor, " out"],
    shift: Float[Tensor, " out"],
    eps: float,
) -> NormedMaps:
    """``max_pool(batch_norm(relu(conv(maps))))`` with the batch's statistics.

    The convolution pads by 2; pooling is 3x3 in steps of 3, padded by 1. The same as torch's layers but for rounding,
    in the gradients too.

    Args:
        maps: get no gradient.
        weight: of the convolution.
        bias: of the convolution.
        scale: of the batch norm, all positive.
        shift: of the batch norm.
        eps: added to the variance.
    """
    pooled, mean, variance = _Fused.apply(maps, weight, bias, scale, shift, eps)  # type: ignore[no-untyped-call]
    return NormedMaps(pooled, mean, variance)


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, scale: Tensor, shift: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        weight = weight.contiguous(memory_format=torch.channels_last)  # which pooling is fast with
        parts = torch.split(maps.contiguous(memory_format=torch.channels_last), _CLIPS)
        values = [F.conv2d(part, weight, bias, padding=2).relu_() for part in parts]
        pooled, places = zip(*(torch.ops.aten.max_pool2d_with_indices(part, *_POOL) for part in values), strict=True)
        mean, variance = _mean_and_variance(values)
        inverse = (variance + eps).rsqrt().to(maps.dtype)
        mean, variance = mean.to(maps.dtype), variance.to(maps.dtype)
        # Maps one after another again, which the small layers that follow are faster with.
        normed = (torch.cat(pooled).contiguous() - _of_channels(mean)).mul_(_of_channels(inverse))
        ctx.save_for_backward(weight, scale, mean, inverse, normed, *parts, *values, *places)
        ctx.mark_non_differentiable(mean, variance)
        return torch.addcmul(_of_channels(shift), normed, _of_channels(scale)), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Of a value y > 0: ``f (g - sum(g) / n - (y - mean) / std sum(g normed) / n)`` with f = scale / std.

        g is the output's gradient where y is the highest of its window, else 0; n the number of y of a channel.
        """
        weight, scale, mean, inverse, normed, *kept = ctx.saved_tensors
        n_parts = len(kept) // 3
        chunks = zip(*(kept[start : start + n_parts] for start in range(0, len(kept), n_parts)), strict=True)
        count = sum(part[:, 0].numel() for part in kept[n_parts : 2 * n_parts])
        d_shift, d_scale = gradient.sum((0, 2, 3)), (gradient * normed).sum((0, 2, 3))
        factor = scale * inverse
        slope = -factor * inverse * d_scale / count
        offset = -factor * d_shift / count - slope * mean
        scaled = (gradient * _of_channels(factor)).contiguous(memory_format=torch.channels_last)
        d_weight, d_bias = torch.zeros_like(weight), torch.zeros_like(mean)
        for (part, values, places), highest in zip(chunks, torch.split(scaled, _CLIPS), strict=True):
            dense = torch.addcmul(_of_channels(offset), values, _of_channels(slope))
            dense += torch.ops.aten.max_pool2d_with_indices_backward(highest, values, *_POOL, places)
            torch.ops.aten.threshold_backward.grad_input(dense, values, 0, grad_input=dense)
            _, of_weight, of_bias = torch.ops.aten.convolution_backward(
                dense, part, weight, mean.shape, [1, 1], [2, 2], [1, 1], False, [0, 0], 1, [False, True, True]
            )
            d_weight += of_weight
            d_bias += of_bias
        return None, d_weight, d_bias, d_scale, d_shift, None


def _mean_and_variance(values: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Of the channels of all chunks, in double precision but for the sums of a clip."""
    sums, squares = (
        torch.cat([powers(part).sum((2, 3)) for part in values]).double().sum(0)
        for powers in (torch.positive, torch.square)
    )
    count = sum(part[:, 0].numel() for part in values)
    mean = sums / count
    return mean, (squares / count - mean.square()).clamp_min(0)


def _of_channels(numbers: Tensor) -> Tensor:
    return numbers[:, None, None]
