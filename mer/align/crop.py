"""The crop by the eyes of the onset frame (paper, section 2.1): one similarity transform for all frames of a clip.

Landmarks jitter by more than a micro-expression moves, so a transform a frame would drown the motion.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer.align.landmarks import Image, LandmarkSource, Points, eye_centres
from mer.errors import MerError, require_integer, require_number

Transform = NDArray[np.float64]


@dataclass(frozen=True)
class ClipTransform:
    """Transform ``(2, 3)`` from frame px to crop px, and the landmarks ``(68, 2)`` in crop px where there are any."""

    matrix: Transform
    landmarks_px: Points | None
    size_px: int

    def apply(self, frame: Image) -> Image:
        """Crop a frame ``(H, W, 3)`` to ``(S, S, 3)``."""
        size = (self.size_px, self.size_px)
        crop = cv2.warpAffine(frame, self.matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(crop, np.uint8)


class Aligner(Protocol):
    """Decides a clip's one transform from its onset frame."""

    def align(self, onset: Image, clip: pd.Series) -> ClipTransform:
        """RGB onset frame ``(H, W, 3)`` -> the clip's transform."""
        ...

    def state(self, clip: pd.Series) -> Mapping[str, Any]:
        """What the transform depends on, for the store's key."""
        ...


class EyeCrop:
    """Square crop with the eyes on a horizontal line at a fixed place and distance.

    Args:
        landmarks: where the landmarks come from.
        size_px: side S of the crop.
        eye_distance: distance of the eye centres, as a share of S.
        eye_height: height of the eye line from the top, as a share of S.
    """

    def __init__(
        self, landmarks: LandmarkSource, size_px: int = 224, eye_distance: float = 0.42, eye_height: float = 0.35
    ) -> None:
        self.landmarks = landmarks
        self.size_px = require_integer("align.size_px", size_px, 16, 4096)
        self.eye_distance = require_number("align.eye_distance", eye_distance, 0.05, 0.95)
        self.eye_height = require_number("align.eye_height", eye_height, 0, 1)

    def align(self, onset: Image, clip: pd.Series) -> ClipTransform:
        points = self.landmarks.find(onset, clip)
        matrix = eye_transform(points, self.size_px, self.eye_distance, self.eye_height)
        return ClipTransform(matrix, transform_points(points, matrix), self.size_px)

    def state(self, clip: pd.Series) -> Mapping[str, Any]:
        crop = {"size_px": self.size_px, "eye_distance": self.eye_distance, "eye_height": self.eye_height}
        return crop | {"landmarks": self.landmarks.state(clip)}


class NoCrop:
    """For frames that are cropped already: the whole frame, resized to a square."""

    def __init__(self, size_px: int = 224) -> None:
        self.size_px = require_integer("align.size_px", size_px, 16, 4096)

    def align(self, onset: Image, clip: pd.Series) -> ClipTransform:
        height, width = onset.shape[:2]
        scale_x, scale_y = self.size_px / width, self.size_px / height
        # Pixel centres, not corners, are mapped onto each other.
        shift_x, shift_y = (scale_x - 1) / 2, (scale_y - 1) / 2
        return ClipTransform(np.array([[scale_x, 0, shift_x], [0, scale_y, shift_y]]), None, self.size_px)

    def state(self, clip: pd.Series) -> Mapping[str, Any]:
        return {"size_px": self.size_px, "crop": "none"}


def eye_transform(landmarks_px: Points, size_px: int, eye_distance: float, eye_height: float) -> Transform:
    """Similarity ``(2, 3)`` that puts the eyes level, ``eye_distance * size_px`` apart, centred, at ``eye_height``.

    Raises:
        MerError: both eyes are at one place.
    """
    left, right = eye_centres(landmarks_px)
    apart_x, apart_y = right - left
    apart = math.hypot(apart_x, apart_y)
    if apart < 1:
        raise MerError("eyes apart from each other", f"{apart:.2f} px", "check the landmarks of the onset frame")
    scale = eye_distance * size_px / apart
    cos, sin = scale * apart_x / apart, scale * apart_y / apart
    turn = np.array([[cos, sin], [-sin, cos]])
    target = np.array([(size_px - 1) / 2, eye_height * (size_px - 1)])
    return np.column_stack([turn, target - turn @ ((left + right) / 2)])


def transform_points(points_px: Points, matrix: Transform) -> Points:
    """Apply a transform ``(2, 3)`` to points ``(N, 2)``."""
    return np.asarray(points_px @ matrix[:, :2].T + matrix[:, 2], np.float32)
