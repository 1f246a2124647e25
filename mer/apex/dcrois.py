"""D&C-RoIs: divide and conquer on how much regions of interest differ from the onset's."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer.align.landmarks import Points
from mer.apex.frame_landmarks import FrameLandmarks
from mer.apex.lbp import lbp_codes, uniform_histograms
from mer.apex.motion import mean_strain
from mer.apex.peaks import divide_and_conquer, smooth_in_time
from mer.apex.regions import EYES_AND_MOUTH, boxes_of, require_regions
from mer.apex.spot import ApexSpotter, Crops, Curve, SpottedApex, grey_of, require_crops
from mer.errors import MerError, require_choice, require_number

VERSION = 1  # raise it when the curve or the apex for equal settings changes


class DivideAndConquer(ApexSpotter):
    """D&C-RoIs (Liong et al., ACPR 2015, doi 10.1109/ACPR.2015.7486586).

    Each frame's features in three regions, each eye with its brow and the mouth, are compared with the onset's:

    - ``lbp``: histograms of uniform LBP(8, 1), ``1 - correlation`` summed over the regions;
    - ``landmarks``: the region's landmarks, about its centre at onset, ``1 - correlation`` of their coordinates summed;
    - ``strain``: optical strain of the flow from onset, mean of each region, summed.

    Where the paper's code is not public, the choices are ours: margins of the regions, coordinates about the centre,
    ``smoothing_frames`` (the paper names none).

    Args:
        feature: ``lbp``, ``landmarks`` or ``strain``.
        fixed_regions: for crops without landmarks, lay the regions where a crop by the eyes has them.
        landmarks: gives every frame's landmarks, for ``feature=landmarks``; the onset's alone do not do.
        flow: method for ``strain``, see ``build_flow``.
        smoothing_frames: standard deviation of a Gaussian over the curve before its peaks are sought; 0 is none.

    Raises:
        MerError: no such feature, a negative smoothing, or ``landmarks`` without what finds them.
    """

    def __init__(
        self,
        feature: str = "lbp",
        fixed_regions: bool = False,
        landmarks: FrameLandmarks | None = None,
        flow: str = "dis",
        smoothing_frames: float = 0.0,
    ) -> None:
        self._curves = {"lbp": self._lbp, "landmarks": self._landmarks, "strain": self._strain}
        self.feature = require_choice("apex.feature", feature, self._curves)
        self.fixed_regions = fixed_regions
        self.landmarks = landmarks
        self.flow = flow
        self.smoothing_frames = require_number("apex.smoothing_frames", smoothing_frames, 0, 100)
        if feature == "landmarks" and landmarks is None:
            remedy = "set apex.landmarks._target_=mer.apex.TrackedLandmarks, or another apex.feature"
            raise MerError("landmarks of every frame for apex.feature=landmarks", "the onset's alone", remedy)

    def spot(self, crops: Crops, landmarks_px: Points | None) -> SpottedApex:
        curve = self.curve(crops, landmarks_px)
        return SpottedApex(divide_and_conquer(curve), curve)

    def curve(self, crops: Crops, landmarks_px: Points | None) -> Curve:
        require_crops(crops, landmarks_px)
        curve = self._curves[self.feature](crops, require_regions(landmarks_px, self.fixed_regions))
        return np.asarray(smooth_in_time(curve.astype(np.float32), self.smoothing_frames), np.float32)

    def settings(self) -> Mapping[str, Any]:
        common = {"spotter": "dcrois", "version": VERSION, "feature": self.feature, "smoothing": self.smoothing_frames}
        fixed = {"fixed_regions": self.fixed_regions}
        if self.feature == "strain":
            return {**common, **fixed, "flow": self.flow}
        if self.feature == "landmarks" and self.landmarks is not None:
            return {**common, "landmarks": dict(self.landmarks.settings())}
        return {**common, **fixed}

    def _lbp(self, crops: Crops, landmarks_px: Points | None) -> NDArray[Any]:
        grey = grey_of(crops)
        boxes = boxes_of(EYES_AND_MOUTH, landmarks_px, crops.shape[1])
        rates = [decorrelation(uniform_histograms(lbp_codes(grey[(..., *box.slices)]))) for box in boxes]
        return np.asarray(np.sum(rates, axis=0))

    def _strain(self, crops: Crops, landmarks_px: Points | None) -> NDArray[Any]:
        boxes = boxes_of(EYES_AND_MOUTH, landmarks_px, crops.shape[1])
        return mean_strain(grey_of(crops), boxes, self.flow)

    def _landmarks(self, crops: Crops, landmarks_px: Points | None) -> NDArray[Any]:
        if landmarks_px is None or self.landmarks is None:
            raise MerError("landmarks for apex.feature=landmarks", "none", "align by them, or set apex.feature=lbp")
        points = self.landmarks(crops, landmarks_px).astype(np.float64)
        groups = [points[:, list(region.landmarks)] for region in EYES_AND_MOUTH]
        return np.asarray(np.sum([decorrelation(_about_onset(group)) for group in groups], axis=0))


def decorrelation(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """``1 - sum h_1 h_i / sqrt(sum h_1^2 sum h_i^2)`` of rows ``(T, n)`` with the first: ``(T,)``, 0 for equal ones.

    Raises:
        MerError: a row is 0, which correlates with nothing.
    """
    lengths = np.linalg.norm(features, axis=1)
    if not lengths.all():
        raise MerError("features that are not all 0", f"{(lengths == 0).sum()} frames", "check the landmarks")
    # Half the squared distance of the unit vectors: the same, and exact where they differ by little.
    unit = features / lengths[:, None]
    return np.asarray(((unit - unit[0]) ** 2).sum(axis=1) / 2)


def _about_onset(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points ``(T, n, 2)`` about their centre in the first frame, as rows ``(T, 2 n)``."""
    return np.asarray((points - points[0].mean(axis=0)).reshape(len(points), -1))
