"""The 36 regions of interest of MDMO, quadrilaterals between landmarks."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.align.landmarks import Points
from mer.errors import MerError

# Landmarks are numbers (iBUG, from 0); T0 to T21 stand between them, see _between.
_FOREHEAD = ("17 T0 T1 19", "19 T1 T2 21", "21 T2 T3 27", "27 T3 T4 22", "22 T4 T5 24", "24 T5 T6 26")
_EYES = ("1 0 17 36", "36 17 19 38", "38 19 21 39", "39 21 27 28", "28 27 22 42", "42 22 24 43", "43 24 26 45",
         "45 26 16 15")  # fmt: skip
_CHEEKS = ("3 2 T15 T7", "T7 T15 41 39", "T7 39 28 29", "29 28 42 T8", "T8 42 46 T16", "T8 T16 14 13", "T11 T7 29 33",
           "33 29 T8 T12")  # fmt: skip
_MOUTH = ("T13 T9 33 59", "55 33 T10 T14", "T18 T17 59 58", "T19 T18 58 57", "T20 T19 57 56", "T21 T20 56 55",
          "4 3 T7 T11", "T12 T8 13 12", "5 4 T9 T13", "T14 T10 12 11", "6 5 T17 T18", "8 6 T18 T19", "10 8 T19 T20",
          "11 10 T20 T21")  # fmt: skip
REGIONS = tuple(tuple(corners.split()) for corners in (*_FOREHEAD, *_EYES, *_CHEEKS, *_MOUTH))

_ABOVE_BROWS = {"T0": 17, "T1": 19, "T2": 21, "T4": 22, "T5": 24, "T6": 26}
_MIDDLES = {
    "T7": (3, 29), "T8": (13, 29), "T9": (4, 33), "T10": (12, 33), "T11": (4, 33), "T12": (12, 33), "T13": (5, 59),
    "T14": (11, 55), "T15": (2, 41), "T16": (14, 46), "T17": (5, 59), "T18": (6, 58), "T19": (8, 57), "T20": (10, 56),
    "T21": (11, 55),
}  # fmt: skip
_LANDMARKS = 68
_OUTER_EYE_CORNERS = (36, 45)
_BROW_HEIGHT = 0.2  # of the outer eye corners' distance: about the 20 px of public code on CASME II's frames


def region_corners(landmarks_px: Points, brow_height: float = _BROW_HEIGHT) -> NDArray[np.float32]:
    """Corners ``(36, 4, 2)`` (x, y) px of the regions on a face with landmarks ``(68, 2)``.

    Source: Liu et al., IEEE TAFFC 7(4), 2016, doi 10.1109/TAFFC.2015.2485205.

    Args:
        landmarks_px: iBUG order.
        brow_height: how far the forehead's regions reach above the brows, as a share of the distance between the outer
            eye corners.

    Raises:
        MerError: not 68 finite landmarks.
    """
    points = np.asarray(landmarks_px, np.float32)
    if points.shape != (_LANDMARKS, 2) or not np.isfinite(points).all():
        raise MerError("68 landmarks (x, y)", f"{points.shape}", "choose align=fan, dlib or given")
    left, right = points[list(_OUTER_EYE_CORNERS)]
    named = {str(number): point for number, point in enumerate(points)} | _between(
        points, brow_height * float(np.linalg.norm(right - left))
    )
    return np.array([[named[corner] for corner in region] for region in REGIONS], np.float32)


def region_masks(
    landmarks_px: Points, size_px: tuple[int, int], brow_height: float = _BROW_HEIGHT
) -> NDArray[np.bool_]:
    """Which px of a crop of (height, width) lie in each region: ``(36, H, W)``; a region off the crop has none.

    Raises:
        MerError: as :func:`region_corners`.
    """
    masks = np.zeros((len(REGIONS), *size_px), np.uint8)
    for mask, corners in zip(masks, region_corners(landmarks_px, brow_height), strict=True):
        cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1)
    return masks.astype(bool)


def _between(points: Points, up_px: float) -> dict[str, Points]:
    up = np.array([0, up_px], np.float32)
    above = {name: np.maximum(points[number] - up, [-np.inf, 0]) for name, number in _ABOVE_BROWS.items()}
    middles = {name: (points[a] + points[b]) / 2 for name, (a, b) in _MIDDLES.items()}
    return above | middles | {"T3": (above["T2"] + above["T4"]) / 2}
