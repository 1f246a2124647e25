"""One face over a few seconds: found by its landmarks once, cropped by one transform, followed from there."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer.align.crop import ClipTransform, eye_transform, transform_points
from mer.align.landmarks import FoundLandmarks, LandmarkSource, Points
from mer.frames import Image

SIZE_PX = 128  # of the crops that movements are looked for in
_EYE_DISTANCE, _EYE_HEIGHT = 0.42, 0.35  # as conf/align has them
_FINER = 2  # crops are made so many times larger, then averaged down, which takes noise with it
_TEMPLATE_PX = 64
_MIDDLE = slice(8, 56)  # of the template: without the hair's and the background's edge
_LEAST_LIKENESS = 0.6  # correlation with the crop that the face was found on
_FURTHEST = 0.06  # of the crop's side: a head that moved further is found anew
_MARGIN = 0.15  # of a box beyond the landmarks
_MOST_OUTSIDE = 0.2  # of the landmarks beyond the frame's edge

Box = NDArray[np.float32]
Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Face:
    """A face on one frame.

    Attributes:
        points_px: landmarks ``(68, 2)``, px of the frame.
        box_px: ``(4,)`` left, top, right, bottom, px of the frame.
        remark: what its finder says, as that it took one of several.
    """

    points_px: Points
    box_px: Box
    remark: str = ""


def find_face(source: LandmarkSource, image: Image, name: str, index: int) -> Face | None:
    """The largest face of a frame; None where there is none, or where most of it is beyond the frame's edge.

    Raises:
        MerError: ``source`` has no weights or no package to find any.
    """
    (found,) = source.find(
        [image], [pd.Series({"dataset": "video", "subject": name, "clip": str(index), "onset": index})]
    )
    if not isinstance(found, FoundLandmarks):
        return None
    points = found.points_px
    outside = ((points < 0) | (points > (image.shape[1] - 1, image.shape[0] - 1))).any(axis=1)
    return None if outside.mean() > _MOST_OUTSIDE else Face(points, box_of(points), found.remark)


def box_of(points_px: Points) -> Box:
    """The box ``(4,)`` of landmarks ``(68, 2)``, a little larger than they are."""
    low, high = points_px.min(axis=0), points_px.max(axis=0)
    grown = _MARGIN * (high - low)
    return np.concatenate([low - grown, high + grown]).astype(np.float32)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    both = float(np.prod(np.clip(sides, 0, None)))
    return both / (_area(one) + _area(other) - both)


class FaceWindow:
    """The crops of one face from the frame on that it was found on, all by the transform of that frame.

    Args:
        face: as it was found.
        image: the frame it was found on.
        seconds: the frame's time.
    """

    def __init__(self, face: Face, image: Image, seconds: float) -> None:
        self._face = face
        self._matrix = eye_transform(face.points_px, _FINER * SIZE_PX, _EYE_DISTANCE, _EYE_HEIGHT)
        self._template = _template(self.crop(image))
        self.started_s = seconds
        self.crops: list[Grey] = []
        self.seconds: list[float] = []

    @property
    def points_px(self) -> Points:
        """Landmarks ``(68, 2)`` in px of the crops."""
        shrunk = transform_points(self._face.points_px, self._matrix)
        return np.asarray((shrunk + 0.5) / _FINER - 0.5, np.float32)

    def crop(self, image: Image) -> Grey:
        """The frame's grey crop ``(128, 128)``."""
        large = ClipTransform(self._matrix, None, _FINER * SIZE_PX).apply(image)
        grey = cv2.cvtColor(large, cv2.COLOR_RGB2GRAY)
        return np.asarray(cv2.resize(grey, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA), np.uint8)

    def follow(self, crop: Grey) -> Box | None:
        """The face's box in px of the frame; None where the face is no longer there, or no longer at its place."""
        likeness, shift = match(self._template, _template(crop))
        if likeness < _LEAST_LIKENESS or np.abs(shift).max() > _FURTHEST * _TEMPLATE_PX:
            return None
        moved_px = np.linalg.inv(self._matrix[:, :2]) @ (shift * _FINER * SIZE_PX / _TEMPLATE_PX)
        return np.asarray(self._face.box_px + np.tile(moved_px, 2), np.float32)

    def add(self, crops: Sequence[Grey], seconds: Sequence[float]) -> None:
        """Keep the mean of neighbouring crops, at their mean time."""
        mean = crops[0] if len(crops) == 1 else np.rint(np.mean(crops, axis=0, dtype=np.float32)).astype(np.uint8)
        self.crops.append(mean)
        self.seconds.append(float(np.mean(seconds)))


def _template(crop: Grey) -> NDArray[np.float32]:
    small = cv2.resize(crop, (_TEMPLATE_PX, _TEMPLATE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def match(first: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, NDArray[np.float64]]:
    """How like the middle of ``first`` is found in ``other``, as a correlation, and its shift (x, y) in px to there.

    Args:
        first: grey ``(64, 64)``.
        other: grey ``(64, 64)``.
    """
    middle = np.ascontiguousarray(first[_MIDDLE, _MIDDLE])
    scores = np.asarray(cv2.matchTemplate(other, middle, cv2.TM_CCOEFF_NORMED), np.float32)
    _, likeness, _, (column, row) = cv2.minMaxLoc(scores)
    shift = (column + _between(scores[row], column), row + _between(scores[:, column], row))
    return float(likeness), np.array(shift) - _MIDDLE.start


def _between(scores: NDArray[np.float32], best: int) -> float:
    """Place of a parabola's top through the best score and its neighbours, from the best one on."""
    if not 0 < best < len(scores) - 1:
        return 0.0
    before, top, after = (float(score) for score in scores[best - 1 : best + 2])
    bend = before - 2 * top + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


def _area(box: Box) -> float:
    return float(np.prod(box[2:] - box[:2]))
