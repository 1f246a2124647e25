"""Mild stabilisation: a slow drift of the head is taken out of a clip's crops, faster movements stay."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.align.crop import Transform
from mer.errors import MerError
from mer.frames import Image

Floats = NDArray[np.float64]

# Eyes to nose, as shares of the crop: neither brows nor mouth, and little background.
_TOP, _BOTTOM, _LEFT, _RIGHT = 0.3, 0.62, 0.15, 0.85
_CORNERS, _CORNER_GAP_PX = 300, 5
_BLUR_PX = 1.5  # camera noise would make corners of its own
_WINDOW_PX = 21
_FEWEST = 12  # corners that must be found again
_ROUNDS = 10
_TUKEY = 4.685  # 95 % efficient on normal errors
_NORMAL = 1.4826  # standard deviation of a normal variable over its median absolute deviation
_FRAMES_PER_DEGREE, _HIGHEST_DEGREE = 8, 3


def drift_corrections(crops: Sequence[Image]) -> list[Transform]:
    """One rotation and shift ``(2, 3)`` a crop, in crop px, that takes the head back to where it was at onset.

    Corners about the eyes and the nose are followed from the onset crop to each other one; a robust fit finds the
    rigid motion that most of them share, so that a blink does not count. Of its course over the clip a polynomial of
    degree 3 at most (less on short clips), zero at onset, is kept: a drift over the whole clip is corrected, a quick
    movement and the noise of single frames are not.

    Args:
        crops: T aligned RGB crops ``(S, S, 3)``, onset first.

    Returns:
        T transforms for ``ClipTransform.apply``; the first changes nothing.

    Raises:
        MerError: too few corners are found again on most of the frames.
    """
    grey = [_grey(crop) for crop in crops]
    corners = _corners_of_the_middle(grey[0])
    pivot = np.array([grey[0].shape[1] - 1, grey[0].shape[0] - 1]) / 2
    motions = np.array([rigid_motion(grey[0], other, corners, pivot) for other in grey[1:]]).reshape(-1, 3)
    return [np.eye(3)[:2], *(undo(motion, pivot) for motion in slow_part(motions))]


def rigid_motion(first: Image, other: Image, corners: NDArray[np.float32], pivot: Floats) -> Floats:
    """Rotation (rad) about ``pivot`` and shift (px), ``(3,)``, of most ``corners``; NaN where too few are found.

    Args:
        first: grey crop ``(S, S)`` of the corners.
        other: grey crop to find them on.
        corners: ``(N, 2)`` x, y in px.
        pivot: ``(2,)`` x, y in px.
    """
    if len(corners) < _FEWEST:
        return np.full(3, np.nan)
    window, stop = (_WINDOW_PX, _WINDOW_PX), (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 50, 1e-3)
    follow: Any = cv2.calcOpticalFlowPyrLK  # whose stubs lack the None that it takes
    moved, kept, _ = follow(first, other, corners, None, winSize=window, maxLevel=2, criteria=stop)
    found = kept.ravel() == 1
    if found.sum() < _FEWEST:
        return np.full(3, np.nan)
    return robust_rigid_fit((corners - pivot)[found], (moved - corners)[found])


def robust_rigid_fit(places_px: Floats, shifts_px: Floats) -> Floats:
    """Small rotation (rad) about 0 and shift (px), ``(3,)``, that most of ``shifts_px`` ``(N, 2)`` share.

    Least squares, weighted again and again by Tukey's function of the residuals.
    """
    x, y = places_px.T
    one, zero = np.ones_like(x), np.zeros_like(x)
    columns = np.stack([np.column_stack([-y, one, zero]), np.column_stack([x, zero, one])], axis=1)  # (N, 2, 3)
    motion = np.array([0, *np.median(shifts_px, axis=0)])
    for _ in range(_ROUNDS):
        length = np.linalg.norm(shifts_px - columns @ motion, axis=1)
        bound = _TUKEY * max(_NORMAL * float(np.median(length)), 1e-3)
        root = np.clip(1 - (length / bound) ** 2, 0, None)  # of the weight
        motion = np.linalg.lstsq(
            (columns * root[:, None, None]).reshape(-1, 3), (shifts_px * root[:, None]).ravel(), rcond=None
        )[0]
    return np.asarray(motion)


def slow_part(motions: Floats) -> Floats:
    """The polynomial over time, zero at onset, nearest to ``motions`` ``(T - 1, 3)`` of the frames after it.

    Raises:
        MerError: half of them or more are NaN.
    """
    usable = np.isfinite(motions).all(axis=1)
    if 2 * usable.sum() <= len(motions) and len(motions):
        got = f"{usable.sum()} of {len(motions)}"
        raise MerError("corners about eyes and nose to follow on most frames", got, "set align.stabilise=false")
    degree = int(np.clip((len(motions) + 1) // _FRAMES_PER_DEGREE, 1, _HIGHEST_DEGREE))
    time = np.arange(1, len(motions) + 1)[:, None] / max(len(motions), 1)
    powers = time ** np.arange(1, degree + 1)
    return np.asarray(powers @ np.linalg.lstsq(powers[usable], motions[usable], rcond=None)[0])


def undo(motion: Floats, pivot: Floats) -> Transform:
    """The transform ``(2, 3)`` that takes back a rotation about ``pivot`` followed by a shift."""
    angle, *shift = motion
    cos, sin = np.cos(angle), np.sin(angle)
    back = np.array([[cos, sin], [-sin, cos]])
    return np.column_stack([back, pivot - back @ (pivot + shift)])


def _grey(crop: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (0, 0), _BLUR_PX), np.uint8)


def _corners_of_the_middle(grey: Image) -> NDArray[np.float32]:
    height, width = grey.shape
    mask = np.zeros_like(grey)
    mask[int(_TOP * height) : int(_BOTTOM * height), int(_LEFT * width) : int(_RIGHT * width)] = 255
    corners = cv2.goodFeaturesToTrack(grey, _CORNERS, 0.01, _CORNER_GAP_PX, mask=mask)
    return np.zeros((0, 2), np.float32) if corners is None else np.asarray(corners, np.float32).reshape(-1, 2)
