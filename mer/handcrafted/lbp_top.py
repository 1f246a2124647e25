"""Local binary patterns on three orthogonal planes (LBP-TOP)."""

from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from mer.errors import MerError, require_choice, require_integer, require_number
from mer.flow import FlowMaps
from mer.handcrafted.blocks import block_slices
from mer.handcrafted.clips import grey_clips, require_clip, require_frames

Codes = NDArray[np.uint8]
_SAMPLINGS = ("bilinear", "nearest")
# Axes of (T, H, W) that hold a plane's (rows, columns); rows count upwards in XY, forwards in time in XT and YT.
_PLANES = ((1, 2, -1), (0, 2, 1), (0, 1, 1))


class LBPTop:
    """LBP-TOP of clips' grey frames; settings of :func:`lbp_top`.

    Args:
        frames: T, that each clip is brought to by temporal interpolation.
        blocks: N of N x N.
        radii: (R_x, R_y, R_t), px, px and frames.
        neighbours: P, 4 or 8.
        uniform: map codes to the uniform patterns.
        sampling: ``bilinear`` or ``nearest``.
        overlap: share of a block that the next one covers too.

    Raises:
        MerError: a setting is out of bounds, or the frames too few for R_t.
    """

    needs = frozenset({"frames"})

    def __init__(
        self,
        frames: int = 10,
        blocks: int = 5,
        radii: Sequence[int] = (1, 1, 4),
        neighbours: int = 8,
        uniform: bool = True,
        sampling: str = "bilinear",
        overlap: float = 0.0,
    ) -> None:
        self.frames = require_integer("model.descriptor.frames", frames, 2, 10_000)
        self.blocks = require_integer("model.descriptor.blocks", blocks, 1, 1000)
        if len(radii) != 3:
            raise MerError("model.descriptor.radii of x, y and time", repr(list(radii)), "set [1,1,4], say")
        radius_x, radius_y, radius_t = (
            require_integer("each of model.descriptor.radii", radius, 1, 100) for radius in radii
        )
        self.radii = radius_x, radius_y, radius_t
        require_frames(self.frames, radius_t)
        self.neighbours = _require_neighbours("model.descriptor.neighbours", neighbours)
        self.uniform = uniform
        self.sampling = require_choice("model.descriptor.sampling", sampling, _SAMPLINGS)
        self.overlap = require_number("model.descriptor.overlap", overlap, 0, 0.99)

    def __call__(self, maps: FlowMaps) -> Float[Tensor, "batch features"]:
        """``(N, blocks^2 3 bins)``."""
        settings = (self.blocks, self.blocks), self.radii, self.neighbours, self.uniform, self.sampling, self.overlap
        return torch.from_numpy(np.stack([lbp_top(clip, *settings) for clip in grey_clips(maps)]))


def lbp_top(
    clip: NDArray[np.uint8],
    blocks: tuple[int, int] = (5, 5),
    radii: tuple[int, int, int] = (1, 1, 4),
    neighbours: int = 8,
    uniform: bool = True,
    sampling: str = "bilinear",
    overlap: float = 0.0,
) -> NDArray[np.float64]:
    """LBP-TOP of a grey clip ``(T, H, W)``: blocks x (XY, XT, YT) x bins histograms, one after another, each of sum 1.

    ``code = sum_p [g_p >= g_c] 2^p`` over P neighbours on an ellipse in each plane: in XY neighbour p lies at
    ``(x + R_x cos(2 pi p / P), y - R_y sin(2 pi p / P))``, in XT at ``(x + R_x cos, t + R_t sin)``, in YT at
    ``(y - R_y cos, t + R_t sin)``.

    Source: Zhao and Pietikainen, TPAMI 29(6), 2007, doi 10.1109/TPAMI.2007.1110.

    Args:
        clip: uint8.
        blocks: (rows, columns) of the grid of blocks.
        radii: (R_x, R_y, R_t), px, px and frames.
        neighbours: P, 4 or 8.
        uniform: map codes to the uniform patterns: P (P - 1) + 3 bins in place of 2^P.
        sampling: ``bilinear`` between px and frames, or ``nearest``.
        overlap: share of a block that the next one covers too, in [0, 1).

    Raises:
        MerError: the clip is not grey uint8, or too short or small; a setting is out of bounds.
    """
    histograms = [
        _histograms(codes, blocks, overlap, neighbours, uniform)
        for codes in plane_codes(clip, radii, neighbours, sampling)
    ]
    return np.stack(histograms, axis=1).ravel()


def plane_codes(
    clip: NDArray[np.uint8], radii: tuple[int, int, int], neighbours: int = 8, sampling: str = "bilinear"
) -> list[Codes]:
    """Codes of the planes XY, XT and YT at a clip's inner voxels, each ``(T - 2 R_t, H - 2 R, W - 2 R)``.

    ``R`` is the larger of R_x and R_y: every histogram counts the same voxels.

    Raises:
        MerError: as :func:`lbp_top`.
    """
    _require(clip, radii, neighbours, sampling)
    radius_x, radius_y, radius_t = radii
    border = max(radius_x, radius_y)
    margins = (radius_t, border, border)
    reach = ((radius_y, radius_x), (radius_t, radius_x), (radius_t, radius_y))
    return [
        _codes(clip, margins, plane, reached, neighbours, sampling)
        for plane, reached in zip(_PLANES, reach, strict=True)
    ]


@cache
def pattern_bins(neighbours: int, uniform: bool) -> tuple[NDArray[np.int64], int]:
    """Bin of each code ``(2^P,)``, and how many there are.

    Uniform patterns change at most twice around the circle: they come first, in their codes' order, and all others
    share the last bin.
    """
    codes = np.arange(2**neighbours)
    if not uniform:
        return codes, len(codes)
    bits = (codes[:, None] >> np.arange(neighbours)) & 1
    is_uniform = (bits != np.roll(bits, 1, axis=1)).sum(axis=1) <= 2
    n_bins = int(is_uniform.sum()) + 1
    return np.where(is_uniform, np.cumsum(is_uniform) - 1, n_bins - 1), n_bins


def _codes(
    clip: NDArray[np.uint8],
    margins: Sequence[int],
    plane: tuple[int, int, int],
    reach: tuple[int, int],
    neighbours: int,
    sampling: str,
) -> Codes:
    rows, columns, sense = plane
    centre = _inner(clip, margins, (0, 0, 0))
    codes = np.zeros(centre.shape, np.uint8)
    for bit in range(neighbours):
        angle = 2 * np.pi * bit / neighbours
        step = [0.0, 0.0, 0.0]
        step[columns] = reach[1] * np.cos(angle) * (-1 if columns == 1 else 1)
        step[rows] = reach[0] * np.sin(angle) * sense
        codes |= (_difference(clip, centre, margins, step, sampling) >= 0).astype(np.uint8) << bit
    return codes


def _difference(
    clip: NDArray[np.uint8], centre: NDArray[np.int16], margins: Sequence[int], step: Sequence[float], sampling: str
) -> NDArray[np.float32] | NDArray[np.int16]:
    """``g_p - g_c``, from whole differences, so that a constant added to the clip changes no code."""
    if sampling == "nearest":
        return _inner(clip, margins, [int(np.floor(part + 0.5)) for part in np.round(step, 9)]) - centre
    taps = [_taps(part) for part in step]
    parts = [
        np.float32(np.prod([weight for _, weight in corner]))
        * (_inner(clip, margins, [at for at, _ in corner]) - centre)
        for corner in product(*taps)
    ]
    return sum(parts[1:], start=parts[0])


def _taps(step: float) -> list[tuple[int, float]]:
    low = int(np.floor(round(step, 9)))
    share = round(step - low, 9)
    return [(low, 1.0)] if share == 0 else [(low, 1 - share), (low + 1, share)]


def _inner(clip: NDArray[np.uint8], margins: Sequence[int], step: Sequence[int]) -> NDArray[np.int16]:
    """The clip's inner voxels, moved by ``step``."""
    at = tuple(
        slice(margin + move, size - margin + move) for margin, move, size in zip(margins, step, clip.shape, strict=True)
    )
    return clip[at].astype(np.int16)


def _histograms(
    codes: Codes, blocks: tuple[int, int], overlap: float, neighbours: int, uniform: bool
) -> NDArray[np.float64]:
    bins, n_bins = pattern_bins(neighbours, uniform)
    found = bins[codes]
    counts = [
        np.bincount(found[:, rows, columns].ravel(), minlength=n_bins)
        for rows, columns in block_slices(codes.shape[1:], blocks, overlap)
    ]
    histograms = np.stack(counts).astype(np.float64)
    histograms /= histograms.sum(axis=1, keepdims=True)
    return histograms


def _require(clip: NDArray[np.uint8], radii: Sequence[int], neighbours: int, sampling: str) -> None:
    for radius in radii:
        require_integer("each of radii", radius, 1, 100)
    _require_neighbours("neighbours", neighbours)
    require_choice("sampling", sampling, _SAMPLINGS)
    require_clip(clip, max(radii[:2]), radii[2])


def _require_neighbours(name: str, neighbours: int) -> int:
    if neighbours not in (4, 8):
        raise MerError(f"{name} of 4 or 8", repr(neighbours), "set it to one of these")
    return neighbours
