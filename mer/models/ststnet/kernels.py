"""The fused operation's loops over pixels, which Numba compiles when they are first run.

A padded map's rows lie one after another, ``stride = width + 4`` apart. So a tap of the convolution is a shift of the
flat index, and one loop over all of a map long enough for wide vectors. The two columns that a row of the convolution
has too many mix its end with the next row's start; they are blanked.

A clip's numbers are its own, and go through nothing larger than a core's nearest caches.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[Any]
Function = TypeVar("Function", bound=Callable[..., Any])
Three = tuple[float, float, float]

_TOGETHER = 4  # outputs: three taps of each, their sums and three pixels are what vector registers hold
_LINE_BYTES = 64
# Sums in any order, multiplication and addition as one; NaN and infinity stay what they are.
_OPTIONS: dict[str, Any] = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy"}


def _part(function: Function) -> Function:
    """Compiled with what calls it."""
    compiled: Any = njit(**_OPTIONS)(function)
    return compiled  # type: ignore[no-any-return]


def _kernel(function: Function) -> Function:
    """Compiled once for an installation, or once a process where neither it nor the user's cache can be written."""
    try:
        compiled: Any = njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:
        return _part(function)
    return compiled  # type: ignore[no-any-return]


@_kernel
def pool_clips(
    maps: Floats,
    weight: Floats,
    bias: Floats,
    pooled: Floats,
    places: NDArray[np.int32],
    sums: Floats,
    squares: Floats,
) -> None:
    """Convolution, ReLU and max pooling of all clips, and the sums that batch norm wants.

    Args:
        maps: ``(B, channel, height, width)``.
        weight: ``(out, channel, 3, 3)``.
        bias: ``(out,)``.
        pooled: ``(B, out, rows, columns)``, written.
        places: of the highest of a window, written; see :func:`_pool`.
        sums: ``(B, out)`` of a rectified map's values, written.
        squares: the same of their squares.
    """
    stride, size = maps.shape[3] + 4, (maps.shape[2] + 2) * (maps.shape[3] + 4)
    padded = _zeros(maps.shape[1], size + 2 * stride + 2, maps)
    rectified = _zeros(_TOGETHER, size + 2 * stride, maps)
    highest = _zeros(2, pooled.shape[2] * stride + 2, maps)
    offsets = np.zeros(highest.shape, np.int32)
    for clip in range(len(maps)):
        _pad(maps[clip], padded, stride)
        for start in range(0, len(weight), _TOGETHER):
            _convolve(padded, stride, size, weight, bias, start, rectified)
            for one in range(_TOGETHER):
                out = _output(start, one, weight)
                sums[clip, out], squares[clip, out] = _rectify(rectified[one, stride : stride + size], stride)
                _pool(rectified[one], stride, highest, offsets, pooled[clip, out], places[clip, out])


@_kernel
def norm_sums(gradient: Floats, pooled: Floats, mean: Floats, inverse: Floats, sums: Floats, normed: Floats) -> None:
    """Of all clips' ``(B, out, rows, columns)`` gradient: ``(B, out)`` sums, and those of it times the normed maps."""
    for clip in range(len(gradient)):
        for out in range(len(mean)):
            of, values = gradient[clip, out].ravel(), pooled[clip, out].ravel()
            total = product = mean.dtype.type(0)
            for place in range(len(of)):
                total += of[place]
                product += of[place] * (values[place] - mean[out])
            sums[clip, out], normed[clip, out] = total, product * inverse[out]


@_kernel
def gradients_of_clips(
    maps: Floats,
    weight: Floats,
    bias: Floats,
    gradient: Floats,
    places: NDArray[np.int32],
    factor: Floats,
    slope: Floats,
    offset: Floats,
    of_weight: Floats,
    of_bias: Floats,
) -> None:
    """Each clip's share of the convolution's gradients.

    A rectified value y > 0 has the gradient ``slope y + offset``, and the highest of a window besides ``factor`` times
    the window's. The values are made again: that takes less time than to read them from memory.

    Args:
        maps: ``(B, channel, height, width)``.
        weight: ``(out, channel, 3, 3)``.
        bias: ``(out,)``.
        gradient: ``(B, out, rows, columns)`` of the normed, pooled maps.
        places: of the highest of a window, from :func:`pool_clips`.
        factor: ``(out,)``, as ``slope`` and ``offset``.
        slope: see above.
        offset: see above.
        of_weight: ``(B, out, channel, 3, 3)``, written.
        of_bias: ``(B, out)``, written.
    """
    stride, size = maps.shape[3] + 4, (maps.shape[2] + 2) * (maps.shape[3] + 4)
    padded = _zeros(maps.shape[1], size + 2 * stride + 2, maps)
    dense = _zeros(_TOGETHER, size + 2 * stride, maps)
    for clip in range(len(maps)):
        _pad(maps[clip], padded, stride)
        for start in range(0, len(weight), _TOGETHER):
            _convolve(padded, stride, size, weight, bias, start, dense)
            for one in range(_TOGETHER):
                out = _output(start, one, weight)
                values = dense[one, stride : stride + size]
                _rectify(values, stride)
                _slopes(values, slope[out], offset[out])
                _scatter(gradient[clip, out].ravel(), places[clip, out].ravel(), factor[out], dense[one])
                of_bias[clip, out] = _total(values)
            _correlate(padded, stride, size, dense, start, of_weight[clip])


@_part
def _zeros(rows: int, length: int, like: Floats) -> Floats:
    """``(rows, length or more)``, each row at the start of a cache line."""
    line = _LINE_BYTES // like.itemsize
    length = -(-length // line) * line
    raw = np.zeros(rows * length + line, like.dtype)
    start = (-raw.ctypes.data % _LINE_BYTES) // like.itemsize
    return raw[start : start + rows * length].reshape((rows, length))


@_part
def _output(start: int, one: int, weight: Floats) -> int:
    """The output that is ``one`` of those together; the last one again where there are no more."""
    return min(start + one, len(weight) - 1)


@_part
def _pad(maps: Floats, padded: Floats, stride: int) -> None:
    """Into the middle of ``padded``, whose margin of 2 stays 0."""
    for channel in range(maps.shape[0]):
        for y in range(maps.shape[1]):
            row, source = padded[channel, (y + 2) * stride + 2 :], maps[channel, y]
            for x in range(len(source)):
                row[x] = source[x]


@_part
def _three(row: Floats, at: int) -> Three:
    return row[at], row[at + 1], row[at + 2]


@_part
def _dot(a: Three, b: Three) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@_part
def _plus(sums: Three, factor: float, pixels: Three) -> Three:
    return sums[0] + factor * pixels[0], sums[1] + factor * pixels[1], sums[2] + factor * pixels[2]


@_part
def _convolve(padded: Floats, stride: int, size: int, weight: Floats, bias: Floats, start: int, values: Floats) -> None:
    """Into four maps, a row of three taps after another."""
    o0, o1, o2, o3 = start, _output(start, 1, weight), _output(start, 2, weight), _output(start, 3, weight)
    v0, v1, v2, v3 = values[0, stride:], values[1, stride:], values[2, stride:], values[3, stride:]
    b0, b1, b2, b3 = bias[o0], bias[o1], bias[o2], bias[o3]
    for i in range(size):
        v0[i], v1[i], v2[i], v3[i] = b0, b1, b2, b3
    for channel in range(len(padded)):
        for y in range(3):
            row = padded[channel, y * stride :]
            t0, t1 = _three(weight[o0, channel, y], 0), _three(weight[o1, channel, y], 0)
            t2, t3 = _three(weight[o2, channel, y], 0), _three(weight[o3, channel, y], 0)
            for i in range(size):
                pixels = _three(row, i)
                v0[i] += _dot(t0, pixels)
                v1[i] += _dot(t1, pixels)
                v2[i] += _dot(t2, pixels)
                v3[i] += _dot(t3, pixels)


@_part
def _correlate(padded: Floats, stride: int, size: int, dense: Floats, start: int, of_weight: Floats) -> None:
    """The weights' gradients: sums of the four outputs' times the pixels that a tap saw."""
    g0, g1, g2, g3 = dense[0, stride:], dense[1, stride:], dense[2, stride:], dense[3, stride:]
    zero = dense.dtype.type(0)
    for channel in range(len(padded)):
        for y in range(3):
            row = padded[channel, y * stride :]
            s0 = s1 = s2 = s3 = (zero, zero, zero)
            for i in range(size):
                pixels = _three(row, i)
                s0 = _plus(s0, g0[i], pixels)
                s1 = _plus(s1, g1[i], pixels)
                s2 = _plus(s2, g2[i], pixels)
                s3 = _plus(s3, g3[i], pixels)
            for x in range(3):
                of_weight[start, channel, y, x] = s0[x]
                of_weight[_output(start, 1, of_weight), channel, y, x] = s1[x]
                of_weight[_output(start, 2, of_weight), channel, y, x] = s2[x]
                of_weight[_output(start, 3, of_weight), channel, y, x] = s3[x]


@_part
def _rectify(values: Floats, stride: int) -> tuple[float, float]:
    """Sums of the values after the ReLU, and of their squares."""
    zero = values.dtype.type(0)
    for end in range(stride - 2, len(values), stride):
        values[end], values[end + 1] = zero, zero
    total, squares = zero, zero
    for i in range(len(values)):
        value = zero if values[i] < zero else values[i]  # NaN is not below 0
        values[i] = value
        total += value
        squares += value * value
    return total, squares


@_part
def _slopes(values: Floats, slope: float, offset: float) -> None:
    zero = values.dtype.type(0)
    for i in range(len(values)):
        values[i] = zero if values[i] == zero else slope * values[i] + offset


@_part
def _scatter(gradient: Floats, places: NDArray[np.int32], factor: float, dense: Floats) -> None:
    """Add windows' gradients; those of windows without a value above 0 into the margin, where nobody reads them."""
    for window in range(len(places)):
        dense[places[window]] += factor * gradient[window]


@_part
def _total(values: Floats) -> float:
    total: float = values.dtype.type(0)
    for i in range(len(values)):
        total += values[i]
    return total


@_part
def _pool(
    values: Floats, stride: int, scratch: Floats, offsets: NDArray[np.int32], pooled: Floats, places: NDArray[np.int32]
) -> None:
    """The highest of each window and its place in ``values``, which has a margin row before and after the map.

    The place of a highest of 0 is the margin's first. Sought in all columns, by rows and then by columns; every third
    is a window's.
    """
    _highest_of_rows(values, stride, len(pooled), scratch[0], offsets[0])
    _highest_of_columns(scratch[0], offsets[0], len(pooled) * stride, scratch[1], offsets[1])
    for y in range(pooled.shape[0]):
        for x in range(pooled.shape[1]):
            corner = y * stride + 3 * x
            pooled[y, x] = scratch[1, corner]
            places[y, x] = 0 if pooled[y, x] == 0 else 3 * y * stride + 3 * x - 1 + offsets[1, corner]


@_part
def _highest_of_rows(values: Floats, stride: int, count: int, highest: Floats, offsets: NDArray[np.int32]) -> None:
    """Of each column of three rows: the highest, and the offset of the first row that has it; from index 1."""
    second, third = np.int32(stride), np.int32(2 * stride)
    for y in range(count):
        row0, row1, row2 = values[3 * y * stride :], values[(3 * y + 1) * stride :], values[(3 * y + 2) * stride :]
        best, offset = highest[1 + y * stride :], offsets[1 + y * stride :]
        for x in range(stride):
            is_second = row1[x] > row0[x]
            value = row1[x] if is_second else row0[x]
            is_third = row2[x] > value
            best[x] = row2[x] if is_third else value
            offset[x] = third if is_third else second if is_second else np.int32(0)


@_part
def _highest_of_columns(
    values: Floats, rows: NDArray[np.int32], count: int, highest: Floats, offsets: NDArray[np.int32]
) -> None:
    """Of each three in turn: the highest, and its offset; of equals that of the upper row, then of the left column."""
    for x in range(count):
        value, row, column = values[x], rows[x], np.int32(0)
        for step in range(1, 3):
            wins = (values[x + step] > value) | ((values[x + step] == value) & (rows[x + step] < row))
            value = values[x + step] if wins else value
            row = rows[x + step] if wins else row
            column = np.int32(step) if wins else column
        highest[x], offsets[x] = value, row + column
