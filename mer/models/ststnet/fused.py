"""Convolution, ReLU, batch norm and max pooling as one differentiable operation, for training on a CPU.

Layer by layer, each of the four writes and reads maps of the convolution's size, more than a cache holds, and the time
goes to memory. Here a clip at a time goes through all of it, in compiled loops. That is possible because batch norm is
affine for each channel and, for a positive factor, increasing: it commutes with max pooling. So the rectified
convolution is pooled at once, and the batch's statistics, known after the last clip, are applied to maps a ninth as
large. The gradient makes the convolution again, which takes less time than to keep it.

All clips go through on one thread: on two, a training of such a network took longer, since torch's own threads, waiting
for its next operation, hold the cores. A clip's numbers are its own and are added up in the clips' order.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable


class NormedMaps(NamedTuple):
    """Pooled, normed maps ``(B, out, rows, columns)``, and the channels' mean and biased variance."""

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
        maps: get no gradient; float32 or float64, as all that follow.
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
        from mer.models.ststnet.kernels import pool_clips

        (n_clips, _, height, width), n_out = maps.shape, len(weight)
        pooled = maps.new_empty(n_clips, n_out, (height + 1) // 3 + 1, (width + 1) // 3 + 1)
        places = torch.empty_like(pooled, dtype=torch.int32)
        sums, squares = maps.new_empty(2, n_clips, n_out)
        _run(pool_clips, maps, weight, bias, pooled, places, sums, squares)
        mean, variance = _mean_and_variance(sums, squares, (height + 2) * (width + 2))
        inverse = (variance + eps).rsqrt().to(maps.dtype)
        mean, variance = mean.to(maps.dtype), variance.to(maps.dtype)
        ctx.save_for_backward(maps, weight, bias, scale, mean, inverse, pooled, places)
        ctx.mark_non_differentiable(mean, variance)
        normed = (pooled - _of_channels(mean)).mul_(_of_channels(scale * inverse))
        return normed.add_(_of_channels(shift)), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Of a value y > 0: ``f (g - sum(g) / n - (y - mean) / std sum(g normed) / n)`` with f = scale / std.

        g is the output's gradient where y is the highest of its window, else 0; n the number of y of a channel.
        """
        from mer.models.ststnet.kernels import gradients_of_clips, norm_sums

        maps, weight, bias, scale, mean, inverse, pooled, places = ctx.saved_tensors
        sums, products = maps.new_empty(2, len(maps), len(bias))
        _run(norm_sums, gradient, pooled, mean, inverse, sums, products)
        d_shift, d_scale = _sum_of_clips(sums), _sum_of_clips(products)
        factor = scale * inverse
        count = len(maps) * (maps.shape[2] + 2) * (maps.shape[3] + 2)
        slope = -factor * inverse * d_scale / count
        offset = -factor * d_shift / count - slope * mean
        of_weight, of_bias = maps.new_empty(len(maps), *weight.shape), maps.new_empty(len(maps), len(bias))
        of_y = (one.to(maps.dtype) for one in (factor, slope, offset))
        _run(gradients_of_clips, maps, weight, bias, gradient, places, *of_y, of_weight, of_bias)
        found = (_sum_of_clips(of_weight), _sum_of_clips(of_bias), d_scale, d_shift)
        return None, *(one.to(maps.dtype) for one in found), None


def _run(kernel: Callable[..., None], *tensors: Tensor) -> None:
    """Run ``kernel``, which writes into the last tensors."""
    kernel(*(one.detach().contiguous().numpy() for one in tensors))


def _mean_and_variance(sums: Tensor, squares: Tensor, n_pixels: int) -> tuple[Tensor, Tensor]:
    """Of the channels, in double precision but for the sums of a clip."""
    count = len(sums) * n_pixels
    mean = _sum_of_clips(sums) / count
    return mean, (_sum_of_clips(squares) / count - mean.square()).clamp_min(0)


def _sum_of_clips(numbers: Tensor) -> Tensor:
    """In double precision and in the clips' order, as torch's own sum is not for every number of threads."""
    return torch.from_numpy(numbers.numpy().sum(0, dtype=np.float64))


def _of_channels(numbers: Tensor) -> Tensor:
    return numbers[:, None, None]
