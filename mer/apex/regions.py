"""Regions of interest of a crop: boxes around groups of landmarks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mer.align.landmarks import Points
from mer.errors import MerError

_SMALLEST_PX = 4  # side of a box


@dataclass(frozen=True)
class Box:
    """Rows [top, bottom) and columns [left, right) of a crop, px."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the box's px in ``(..., S, S)``."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True)
class Region:
    """Part of a face.

    Attributes:
        landmarks: those the box holds (iBUG, from 0).
        margin: added on each side, as a share of the landmarks' (width, height).
        fixed: (left, top, right, bottom) as shares of a crop by the eyes as ``align`` makes it by default (eyes level,
            0.42 of the side apart, at 0.35 of its height), for crops without landmarks.
    """

    landmarks: tuple[int, ...]
    margin: tuple[float, float]
    fixed: tuple[float, float, float, float]

    def box(self, landmarks_px: Points | None, size_px: int) -> Box:
        """The box on a crop of side ``size_px``; the fixed one where there are no landmarks.

        Raises:
            MerError: less than a few px of it lie on the crop.
        """
        low, high = self._corners(landmarks_px, size_px)
        left, top = np.clip(np.floor(low), 0, size_px).astype(int)
        right, bottom = np.clip(np.ceil(high) + 1, 0, size_px).astype(int)
        if min(right - left, bottom - top) < _SMALLEST_PX:
            got = f"{max(0, right - left)}x{max(0, bottom - top)} px of it on a crop of {size_px}"
            raise MerError(f"the region of landmarks {self.landmarks[0]} to {self.landmarks[-1]}", got, "check align=")
        return Box(int(top), int(bottom), int(left), int(right))

    def _corners(self, landmarks_px: Points | None, size_px: int) -> tuple[Points, Points]:
        if landmarks_px is None:
            share = np.asarray(self.fixed, np.float32) * (size_px - 1)
            return share[:2], share[2:]
        points = landmarks_px[list(self.landmarks)]
        low, high = points.min(axis=0), points.max(axis=0)
        grown = np.asarray(self.margin, np.float32) * (high - low)
        return low - grown, high + grown


_MARGIN = (0.18, 0.18)
_LEFT_BROW, _RIGHT_BROW = range(17, 22), range(22, 27)
_LEFT_EYE, _RIGHT_EYE, _MOUTH = range(36, 42), range(42, 48), range(48, 68)

# Liong et al., ACPR 2015: each eye with its brow, and the mouth. Left and right are the image's.
EYES_AND_MOUTH = (
    Region((*_LEFT_BROW, *_LEFT_EYE), _MARGIN, (0.10, 0.18, 0.42, 0.41)),
    Region((*_RIGHT_BROW, *_RIGHT_EYE), _MARGIN, (0.58, 0.18, 0.90, 0.41)),
    Region(tuple(_MOUTH), _MARGIN, (0.27, 0.68, 0.73, 0.85)),
)
# Where most action units move the skin, but not the lids: a blink moves them further than any expression does.
BROWS_AND_MOUTH = (
    Region(tuple(_LEFT_BROW), (0.1, 0.5), (0.12, 0.19, 0.39, 0.28)),
    Region(tuple(_RIGHT_BROW), (0.1, 0.5), (0.61, 0.19, 0.88, 0.28)),
    Region((31, 35, *_MOUTH), (0.3, 0.18), (0.23, 0.58, 0.77, 0.86)),
)
# Eyes and nose, as in mer.align.drift: what moves there as one is the head.
EYES_AND_NOSE = Region((*range(27, 36), *_LEFT_EYE, *_RIGHT_EYE), (0.05, 0.0), (0.15, 0.30, 0.85, 0.63))


def require_regions(landmarks_px: Points | None, fixed_regions: bool) -> Points | None:
    """The landmarks to lay regions by; None for the fixed ones, where ``fixed_regions`` allows them.

    Raises:
        MerError: there are none, and ``fixed_regions`` is false.
    """
    if landmarks_px is None and not fixed_regions:
        remedy = "align by them, or, for crops with the eyes where align=dlib puts them, set apex.fixed_regions=true"
        raise MerError("landmarks, to know the face's regions", "none", remedy)
    return landmarks_px


def boxes_of(regions: Sequence[Region], landmarks_px: Points | None, size_px: int) -> list[Box]:
    """One box a region.

    Raises:
        MerError: as ``Region.box``.
    """
    return [region.box(landmarks_px, size_px) for region in regions]
