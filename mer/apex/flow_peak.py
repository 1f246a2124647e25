"""The apex as the frame that moved furthest from onset."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer.align.landmarks import Points
from mer.apex.motion import cell_flows, cells_in, without_head
from mer.apex.peaks import smooth_in_time
from mer.apex.regions import BROWS_AND_MOUTH, EYES_AND_NOSE, boxes_of, require_regions
from mer.apex.spot import ApexSpotter, Crops, Curve, SpottedApex, grey_of, require_crops
from mer.errors import require_number

VERSION = 1  # raise it when the curve or the apex for equal settings changes
_LONGEST_SMOOTHING = 0.05  # of the clip's length
_PERCENTILE = 90


class FlowPeak(ApexSpotter):
    """The frame of the longest flow from onset, in px, over brows and mouth.

    The frames are smoothed over time, which takes camera noise from the onset too, and the flow from onset to each is
    averaged over cells of 8x8 px. What is no expression is taken away: the rotation and shift that eyes and nose
    share; and, as an expression is over at the end and a drift is not, the straight line in time from 0 at onset to
    the flow of the last frame. The curve is the length that a tenth of the cells over brows and mouth exceed: few
    cells move. The eyes are left out, for blinks; a large one still reaches the brows through the flow's smoothness.

    Args:
        flow: method, see ``build_flow``.
        smoothing_frames: standard deviation of the Gaussian over time; at most a twentieth of the clip's length.
        returns: the clip ends with its expression over, at offset or later; false where it ends near the apex.
        fixed_regions: for crops without landmarks, lay the regions where a crop by the eyes has them.

    Raises:
        MerError: ``smoothing_frames`` is out of bounds.
    """

    def __init__(
        self, flow: str = "dis", smoothing_frames: float = 2.0, returns: bool = True, fixed_regions: bool = False
    ) -> None:
        self.flow = flow
        self.smoothing_frames = require_number("apex.smoothing_frames", smoothing_frames, 0, 100)
        self.returns = returns
        self.fixed_regions = fixed_regions

    def spot(self, crops: Crops, landmarks_px: Points | None) -> SpottedApex:
        curve = self.curve(crops, landmarks_px)
        return SpottedApex(1 + int(curve[1:].argmax()), curve)

    def curve(self, crops: Crops, landmarks_px: Points | None) -> Curve:
        require_crops(crops, landmarks_px)
        points, size = require_regions(landmarks_px, self.fixed_regions), crops.shape[1]
        grey = smooth_in_time(grey_of(crops), min(self.smoothing_frames, _LONGEST_SMOOTHING * len(crops)))
        flows = without_head(cell_flows(grey, self.flow), EYES_AND_NOSE.box(points, size))
        if self.returns:
            flows = without_trend(flows)
        inside = cells_in(boxes_of(BROWS_AND_MOUTH, points, size), flows.shape[2:])
        lengths = np.linalg.norm(flows, axis=1).reshape(len(flows), -1)
        return np.asarray(np.percentile(lengths[:, inside], _PERCENTILE, axis=1), np.float32)

    def settings(self) -> Mapping[str, Any]:
        how = {"flow": self.flow, "smoothing_frames": self.smoothing_frames, "returns": self.returns}
        return {"spotter": "flow_peak", "version": VERSION, **how, "fixed_regions": self.fixed_regions}


def without_trend(flows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take from ``(T, ...)``, 0 at first, the straight line to the last: ``x_t - t / (T - 1) x_T-1``."""
    time = np.linspace(0, 1, len(flows), dtype=np.float32)
    return np.asarray(flows - time.reshape(-1, *[1] * (flows.ndim - 1)) * flows[-1])
