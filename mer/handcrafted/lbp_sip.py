"""Local binary patterns of six intersection points (LBP-SIP)."""

import numpy as np
from numpy.typing import NDArray

from mer.errors import require_integer
from mer.handcrafted.blocks import block_slices
from mer.handcrafted.clips import require_clip

_SPATIAL_BINS, _TEMPORAL_BINS = 16, 4


def lbp_sip(
    clip: NDArray[np.uint8],
    blocks: tuple[int, int] = (5, 5),
    radius_px: int = 1,
    radius_frames: int = 4,
    overlap: float = 0.0,
) -> NDArray[np.float64]:
    """LBP-SIP of a grey clip ``(T, H, W)``: blocks x (16 spatial, 4 temporal) bins, both histograms of sum 1.

    The three planes of LBP-TOP meet in six points around a voxel: bits 0 to 3 are [g >= g_c] of those above, left,
    below and right; bits 0 and 1 of the temporal code those before and after.

    Source: Wang, See, Phan and Oh, ACCV 2014, doi 10.1007/978-3-319-16865-4_34.

    Raises:
        MerError: the clip is not grey uint8, or too short or small; a setting is out of bounds.
    """
    spatial, temporal = intersection_codes(clip, radius_px, radius_frames)
    histograms = [
        _histogram(codes[:, rows, columns], n_bins)
        for rows, columns in block_slices(spatial.shape[1:], blocks, overlap)
        for codes, n_bins in ((spatial, _SPATIAL_BINS), (temporal, _TEMPORAL_BINS))
    ]
    return np.concatenate(histograms)


def intersection_codes(
    clip: NDArray[np.uint8], radius_px: int, radius_frames: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Spatial and temporal codes at the inner voxels, each ``(T - 2 radius_frames, H - 2 radius_px, W - 2 radius_px)``.

    Raises:
        MerError: as :func:`lbp_sip`.
    """
    space = require_integer("radius_px", radius_px, 1, 100)
    time = require_integer("radius_frames", radius_frames, 1, 100)
    require_clip(clip, space, time)
    frames, height, width = clip.shape

    def at(later: int, down: int, right: int) -> NDArray[np.uint8]:
        return clip[
            time + later : frames - time + later,
            space + down : height - space + down,
            space + right : width - space + right,
        ]

    centre = at(0, 0, 0)
    around = (at(0, -space, 0), at(0, 0, -space), at(0, space, 0), at(0, 0, space))
    return _bits(around, centre), _bits((at(-time, 0, 0), at(time, 0, 0)), centre)


def _bits(around: tuple[NDArray[np.uint8], ...], centre: NDArray[np.uint8]) -> NDArray[np.uint8]:
    codes = np.zeros(centre.shape, np.uint8)
    for bit, neighbour in enumerate(around):
        codes |= (neighbour >= centre).astype(np.uint8) << bit
    return codes


def _histogram(codes: NDArray[np.uint8], n_bins: int) -> NDArray[np.float64]:
    return np.bincount(codes.ravel(), minlength=n_bins) / codes.size
