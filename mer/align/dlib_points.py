"""dlib's 68-point predictor, an extra: its training data (iBUG 300-W) is licensed for non-commercial use."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mer.align.faces import Boxes, DlibFaces, largest_face
from mer.align.landmarks import N_LANDMARKS, FoundLandmarks, Points, no_face
from mer.align.packages import import_dlib, import_dlib_models
from mer.errors import MerError
from mer.frames import Image


class DlibLandmarks:
    """Landmarks of the largest face that dlib's frontal detector finds.

    Source: Kazemi and Sullivan, CVPR 2014, doi 10.1109/CVPR.2014.241.

    Args:
        upsample: times the frame is doubled before detection; more finds smaller faces, and takes longer.
    """

    def __init__(self, upsample: int = 1) -> None:
        self._faces = DlibFaces(upsample)

    def find(self, onsets: Sequence[Image], clips: Sequence[pd.Series]) -> list[FoundLandmarks | MerError]:
        predictor = self._predictor  # before any face is looked for: without it there is no use in one
        largest = [largest_face(boxes, image) for boxes, image in zip(self._faces.boxes(onsets), onsets, strict=True)]
        remedy = f"try align.landmarks.upsample={self._faces.upsample + 1}, or give its landmarks with align=given"
        return [
            no_face(clip, remedy) if box is None else FoundLandmarks(_points(predictor, image, box), remark)
            for (box, remark), image, clip in zip(largest, onsets, clips, strict=True)
        ]

    def state(self, clip: pd.Series) -> Any:
        return {"method": "dlib", "upsample": self._faces.upsample}

    @cached_property
    def _predictor(self) -> Any:
        dlib = import_dlib()
        return dlib.shape_predictor(import_dlib_models().pose_predictor_model_location())


def _points(predictor: Any, image: Image, box: Boxes) -> Points:
    shape = predictor(image, import_dlib().rectangle(*map(int, box)))
    points = [shape.part(number) for number in range(N_LANDMARKS)]
    return np.array([(point.x, point.y) for point in points], np.float32)
