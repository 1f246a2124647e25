"""Convolution 3x3, ReLU, batch norm and max pooling 3x3 as one differentiable operation, for training on a CPU.

Layer by layer, each of the four writes and reads maps of the convolution's size, more than a cache holds, and the time
goes to memory. Here a few clips at a time go through all of it, which two facts make possible:

- Batch norm is affine for each channel and, for a positive factor, increasing, so it commutes with max pooling: the
  rectified convolution is pooled at once, and the batch's statistics, known after the last clip, are applied to maps a
  ninth as large.
- Positions at the same place of their pooling windows, a phase, are one matrix. So pooling is a maximum over nine
  matrices, and the convolution one matrix product for each of the three rows of phases.

Sizes: N windows of all clips in hand; windows reach one position beyond the map at its start, some beyond its end.
Such a position has a value of 0, which changes neither sums nor, after the ReLU, a maximum.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

_CLIPS = 16  # at once: their maps stay in a core's cache
_SPAN = 5  # px along a side that the three positions of a window look at


class NormedMaps(NamedTuple):
    """Pooled, normed maps ``(B, out, side, side)``, and the channels' mean and biased variance."""

    pooled: Tensor
    mean: Tensor
    variance: Tensor


def conv_relu_norm_pool(
    maps: Float[Tensor, "batch channel side side"],
    weight: Float[Tensor, "out channel 3 3"],
    bias: Float[Tensor, " out"],
    scale: Float[Tensor, " out"],
    shift: Float[Tensor, " out"],
    eps: float,
) -> NormedMaps:
    """``max_pool(batch_norm(relu(conv(maps))))`` with the batch's statistics; paddings are 2 and 1, pooling's stride 3.

    The same as torch's layers but for rounding, gradients included: where positions of a window tie, the first in
    reading order has the gradient.

    Args:
        maps: square, on the CPU; they get no gradient.
        weight: of the convolution.
        bias: of the convolution.
        scale: of the batch norm, all positive.
        shift: of the batch norm.
        eps: added to the variance.
    """
    pooled, mean, variance = _Fused.apply(maps, weight, bias, scale, shift, eps)  # type: ignore[no-untyped-call]
    return NormedMaps(pooled, mean, variance)


class _Chunk(NamedTuple):
    """Some clips: what the kernels see, values after the ReLU, their maxima and where in ``values`` these lie."""

    patches: Float[Tensor, "rows N"]
    values: Float[Tensor, "9 out N"]
    highest: Float[Tensor, "out N"]
    places: Int[Tensor, " out*N"]


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, scale: Tensor, shift: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        side = maps.shape[-1]
        n_windows, n_pooled = math.ceil((side + 3) / 3), (side + 1) // 3 + 1
        padding = (3, 3 * n_windows - 1 - side)
        inside = _inside(side, n_windows).to(maps.dtype)
        matrix = _phase_matrix(weight, bias)
        chunks = [_chunk(part, matrix, inside) for part in F.pad(maps, padding + padding).split(_CLIPS)]
        count = len(maps) * (side + 2) ** 2
        mean, variance = _statistics([chunk.values for chunk in chunks], count)
        inverse = (variance + eps).rsqrt().to(maps.dtype)
        mean, variance = mean.to(maps.dtype), variance.to(maps.dtype)
        windows = torch.cat([chunk.highest for chunk in chunks], dim=1).view(-1, len(maps), n_windows, n_windows)
        highest = windows.transpose(0, 1)[..., :n_pooled, :n_pooled]
        normed = (highest - mean[:, None, None]) * inverse[:, None, None]
        kept = [tensor for chunk in chunks for tensor in chunk]
        ctx.save_for_backward(weight, scale, mean, inverse, normed, *kept)
        ctx.count, ctx.spare_windows = count, n_windows - n_pooled
        ctx.mark_non_differentiable(mean, variance)
        return normed * scale[:, None, None] + shift[:, None, None], mean, variance

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Of a value y > 0: ``f (g - sum(g) / n - (y - mean) / std sum(g normed) / n)`` with f = scale / std.

        g is the output's gradient where y is the highest of its window, else 0; n the positions of a channel.
        """
        weight, scale, mean, inverse, normed, *kept = ctx.saved_tensors
        d_shift, d_scale = gradient.sum((0, 2, 3)), (gradient * normed).sum((0, 2, 3))
        factor = scale * inverse
        slope = -factor * inverse * d_scale / ctx.count
        offset = -factor * d_shift / ctx.count - slope * mean
        at_highest = F.pad(gradient * factor[:, None, None], (0, ctx.spare_windows) * 2).split(_CLIPS)
        chunks = [_Chunk(*kept[start : start + 4]) for start in range(0, len(kept), 4)]
        products: Tensor = sum(
            _products(chunk, part.transpose(0, 1).flatten(), offset, slope)
            for chunk, part in zip(chunks, at_highest, strict=True)
        )
        return None, *_weight_and_bias(products, weight), d_scale, d_shift, None


def _statistics(values: Sequence[Float[Tensor, "9 out N"]], count: int) -> tuple[Tensor, Tensor]:
    """The channels' mean and variance in double precision; each float32 sum is of one row, a few thousand values."""
    sums = sum(chunk.sum(-1).double().sum(0) for chunk in values)
    squares = sum(torch.linalg.vector_norm(chunk, dim=-1).double().square().sum(0) for chunk in values)
    mean = torch.as_tensor(sums) / count
    return mean, (torch.as_tensor(squares) / count - mean.square()).clamp_min(0)


def _chunk(padded: Tensor, matrix: Tensor, inside: Tensor) -> _Chunk:
    patches = _patches(padded, inside)
    values = patches.new_empty(3, len(matrix), patches.shape[1])
    for product, rows in zip(values, _rows_of_phases(patches), strict=True):
        torch.mm(matrix, rows, out=product)
    phases = values.relu_().view(9, -1, patches.shape[1])
    # As an image whose sides are phases and 1 with channels innermost, which torch's pooling goes through at once.
    image = phases.view(1, 9, 1, -1).permute(0, 3, 1, 2)
    highest, phase = F.max_pool2d(image, (9, 1), return_indices=True)
    places = phase.flatten() * phase.numel() + torch.arange(phase.numel())
    return _Chunk(patches, phases, highest.view(phases.shape[1:]), places)


def _products(chunk: _Chunk, at_highest: Tensor, offset: Tensor, slope: Tensor) -> Tensor:
    """Gradient of the phase matrix, transposed, by some clips."""
    gradient = torch.addcmul(offset[:, None], chunk.values, slope[:, None])
    gradient.view(-1).scatter_add_(0, chunk.places, at_highest)
    gradient = torch.ops.aten.threshold_backward(gradient, chunk.values, 0)
    of_rows = gradient.view(3, -1, gradient.shape[-1])
    products: Tensor = sum(rows @ one.T for rows, one in zip(_rows_of_phases(chunk.patches), of_rows, strict=True))
    return products


def _inside(side: int, n_windows: int) -> Float[Tensor, "3 window"]:
    """1 where a window's first, second or third position along a side lies on the convolution's map."""
    positions = 3 * torch.arange(n_windows) + torch.arange(-1, 2)[:, None]
    return (positions >= 0) & (positions < side + 2)


def _patches(padded: Tensor, inside: Tensor) -> Float[Tensor, "rows N"]:
    """For each of a window's 5 rows of pixels: channels x 5 columns, and 3 rows that the bias of a phase goes by."""
    (n_clips, channels), n_windows = padded.shape[:2], inside.shape[1]
    clip, channel, row, column = padded.stride()
    shape = (_SPAN, channels, _SPAN, n_clips, n_windows, n_windows)
    strides = (row, channel, column, clip, 3 * row, 3 * column)
    patches = padded.new_zeros(_SPAN, channels * _SPAN + 3, *shape[3:])
    patches[:, :-3].view(shape).copy_(padded.as_strided(shape, strides, padded.storage_offset()))
    patches[1:4, -3:].copy_(inside[:, None, None, :, None] * inside[:, None, None, :])
    return patches.view(-1, n_clips * n_windows**2)


def _rows_of_phases(patches: Tensor) -> list[Tensor]:
    """What the phases of the windows' first, second and third row of positions see."""
    block = len(patches) // _SPAN
    return [patches[start * block : (start + 3) * block] for start in range(3)]


def _phase_matrix(weight: Tensor, bias: Tensor) -> Float[Tensor, "3*out rows"]:
    """The kernels for the three phases of a row, each kernel a column further right."""
    out, channels = weight.shape[:2]
    matrix = weight.new_zeros(3, out, 3, channels * _SPAN + 3)
    for column, of_phase in enumerate(matrix):
        of_phase[..., :-3].view(out, 3, channels, _SPAN)[..., column : column + 3] = weight.transpose(1, 2)
        of_phase[:, 1, column - 3] = bias
    return matrix.view(3 * out, -1)


def _weight_and_bias(products: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients that :func:`_phase_matrix` spreads out, from that of its transpose."""
    out, channels = weight.shape[:2]
    of_weight, of_bias = torch.zeros_like(weight), weight.new_zeros(out)
    for column, of_phase in enumerate(products.T.reshape(3, out, 3, -1)):
        of_weight += of_phase[..., :-3].view(out, 3, channels, _SPAN)[..., column : column + 3].transpose(1, 2)
        of_bias += of_phase[:, 1, column - 3]
    return of_weight, of_bias
