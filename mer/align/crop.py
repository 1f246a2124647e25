"""The crop by the eyes of the onset frame (paper, section 2.1): one similarity transform for all frames of a clip.

Landmarks jitter by more than a micro-expression moves, so a transform a frame would drown the motion.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer.align.landmarks import FoundLandmarks, LandmarkSource, Points, eye_centres
from mer.errors import MerError, require_integer, require_number
from mer.frames import Image

Transform = NDArray[np.float64]


@dataclass(frozen=True)
class ClipTransform:
    """Transform ``(2, 3)`` from frame px to crop px, and the landmarks ``(68, 2)`` in crop px where there are any."""

    matrix: Transform
    landmarks_px: Points | None
    size_px: int

    def apply(self, frame: Image, correction: Transform | None = None) -> Image:
        """Crop a frame ``(H, W, 3)`` to ``(S, S, 3)``, in one interpolation with a ``correction`` of crop px."""
        matrix = self.matrix if correction is None else compose(correction, self.matrix)
        size = (self.size_px, self.size_px)
        crop = cv2.warpAffine(frame, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(crop, np.uint8)


class Aligner(Protocol):
    """Decides a clip's one transform from its onset frame.

    Attributes:
        stabilise: a slow drift of the head is then to be taken out of the crops.
        finds_landmarks: clips get landmarks.
    """

    stabilise: bool = False
    finds_landmarks: bool = True

    def find(
        self, onsets: Sequence[Image], clips: Sequence[pd.Series]
    ) -> Sequence[FoundLandmarks | MerError] | Sequence[None]:
        """RGB onset frames ``(H, W, 3)`` and their clips -> landmarks; an error refuses its clip, None needs none.

        Raises:
            MerError: no clip at all can get landmarks.
        """
        ...

    def transform(self, points_px: Points | None, shape: tuple[int, int]) -> ClipTransform:
        """Landmarks ``(68, 2)`` on an onset frame of ``shape`` (H, W) -> the clip's transform.

        Raises:
            MerError: the landmarks make no crop.
        """
        ...

    def landmark_state(self, clip: pd.Series) -> Any:
        """What the landmarks of ``clip`` depend on, for the store's key."""
        ...

    def crop_state(self) -> Mapping[str, Any]:
        """What the crop depends on beside the landmarks, for the store's key."""
        ...

    def align(self, onset: Image, clip: pd.Series) -> ClipTransform:
        """RGB onset frame ``(H, W, 3)`` -> the clip's transform.

        Raises:
            MerError: the clip gets no landmarks, or they make no crop.
        """
        (found,) = self.find([onset], [clip])
        if isinstance(found, MerError):
            raise found
        return self.transform(None if found is None else found.points_px, (onset.shape[0], onset.shape[1]))


class EyeCrop(Aligner):
    """Square crop with the eyes on a horizontal line at a fixed place and distance.

    Args:
        landmarks: where the landmarks come from.
        size_px: side S of the crop.
        eye_distance: distance of the eye centres, as a share of S.
        eye_height: height of the eye line from the top, as a share of S.
        stabilise: take a slow drift of the head out of the crops, see ``drift_corrections``.
    """

    def __init__(
        self,
        landmarks: LandmarkSource,
        size_px: int = 224,
        eye_distance: float = 0.42,
        eye_height: float = 0.35,
        stabilise: bool = False,
    ) -> None:
        self.landmarks = landmarks
        self.size_px = require_integer("align.size_px", size_px, 16, 4096)
        self.eye_distance = require_number("align.eye_distance", eye_distance, 0.05, 0.95)
        self.eye_height = require_number("align.eye_height", eye_height, 0, 1)
        self.stabilise = stabilise

    def find(self, onsets: Sequence[Image], clips: Sequence[pd.Series]) -> Sequence[FoundLandmarks | MerError]:
        return self.landmarks.find(onsets, clips)

    def transform(self, points_px: Points | None, shape: tuple[int, int]) -> ClipTransform:
        if points_px is None:
            raise MerError("landmarks for the crop by the eyes", "none", "set align=none for frames cropped already")
        matrix = eye_transform(points_px, self.size_px, self.eye_distance, self.eye_height)
        return ClipTransform(matrix, transform_points(points_px, matrix), self.size_px)

    def landmark_state(self, clip: pd.Series) -> Any:
        return self.landmarks.state(clip)

    def crop_state(self) -> Mapping[str, Any]:
        place = {"eye_distance": self.eye_distance, "eye_height": self.eye_height}
        return {"size_px": self.size_px, **place, "stabilise": self.stabilise}


class NoCrop(Aligner):
    """For frames that are cropped already: the whole frame, resized to a square."""

    finds_landmarks = False

    def __init__(self, size_px: int = 224) -> None:
        self.size_px = require_integer("align.size_px", size_px, 16, 4096)

    def find(self, onsets: Sequence[Image], clips: Sequence[pd.Series]) -> Sequence[None]:
        return [None for _ in onsets]

    def transform(self, points_px: Points | None, shape: tuple[int, int]) -> ClipTransform:
        height, width = shape
        scale_x, scale_y = self.size_px / width, self.size_px / height
        # Pixel centres, not corners, are mapped onto each other.
        shift_x, shift_y = (scale_x - 1) / 2, (scale_y - 1) / 2
        matrix = np.array([[scale_x, 0, shift_x], [0, scale_y, shift_y]])
        return ClipTransform(matrix, None if points_px is None else transform_points(points_px, matrix), self.size_px)

    def landmark_state(self, clip: pd.Series) -> Any:
        return None

    def crop_state(self) -> Mapping[str, Any]:
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


def compose(second: Transform, first: Transform) -> Transform:
    """The transform ``(2, 3)`` that applies ``first``, then ``second``."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])
