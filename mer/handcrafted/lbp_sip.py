"""Local binary patterns of six intersection points (LBP-SIP)."""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from mer.errors import require_integer, require_number
from mer.flow import FlowMaps
from mer.handcrafted.blocks import block_slices
from mer.handcrafted.clips import grey_clips, require_clip, require_frames

_SPATIAL_BINS, _TEMPORAL_BINS = 16, 4


class LBPSip:
    """LBP-SIP of clips' grey frames; settings of :func:`lbp_sip`.

    Args:
        frames: T, that each clip is brought to by temporal interpolation.
        blocks: N of N x N.
        radius_px: R.
        radius_frames: R_t.
        overlap: share of a block that the next one covers too.

    Raises:
        MerError: a setting is out of bounds, or the frames too few for R_t.
    """

    needs = frozenset({"frames"})

    def __init__(
        self, frames: int = 10, blocks: int = 5, radius_px: int = 1, radius_frames: int = 4, overlap: float = 0.0
    ) -> None:
        self.frames = require_integer("model.descriptor.frames", frames, 2, 10_000)
        self.blocks = require_integer("model.descriptor.blocks", blocks, 1, 1000)
        self.radius_px = require_integer("model.descriptor.radius_px", radius_px, 1, 100)
        self.radius_frames = require_integer("model.descriptor.radius_frames", radius_frames, 1, 100)
        require_frames(self.frames, self.radius_frames)
        self.overlap = require_number("model.descriptor.overlap", overlap, 0, 0.99)

    def __call__(self, maps: FlowMaps) -> Float[Tensor, "batch features"]:
        """``(N, blocks^2 20)``."""
        settings = (self.blocks, self.blocks), self.radius_px, self.radius_frames, self.overlap
        return torch.from_numpy(np.stack([lbp_sip(clip, *settings) for clip in grey_clips(maps)]))


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
