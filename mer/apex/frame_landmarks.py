"""Landmarks of every crop of a clip."""

from collections.abc import Mapping
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.align.landmarks import Points
from mer.apex.motion import flows_from_onset
from mer.apex.spot import Crops, grey_of

_WINDOW_PX = 9  # whose mean flow moves a landmark


class FrameLandmarks(Protocol):
    """Gives the landmarks of every crop."""

    def __call__(self, crops: Crops, landmarks_px: Points) -> NDArray[np.float32]:
        """Crops ``(T, S, S, 3)`` and the landmarks ``(68, 2)`` of the first -> ``(T, 68, 2)``, crop px."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """What they depend on, plain values for the store's key."""
        ...


class TrackedLandmarks:
    """Carries the onset's landmarks along with the flow: a detector jitters by more than a micro-expression moves.

    A landmark moves by the mean flow of the 9x9 px about it.

    Args:
        flow: method, see ``build_flow``.
    """

    def __init__(self, flow: str = "dis") -> None:
        self.flow = flow

    def __call__(self, crops: Crops, landmarks_px: Points) -> NDArray[np.float32]:
        size = crops.shape[1]
        x, y = np.clip(np.rint(landmarks_px), 0, size - 1).astype(int).T
        moved = []
        for batch in flows_from_onset(grey_of(crops), self.flow):
            for flow in batch.numpy():
                means = [np.asarray(cv2.blur(axis, (_WINDOW_PX, _WINDOW_PX))) for axis in flow]
                moved.append(landmarks_px + np.stack([mean[y, x] for mean in means], axis=1))
        return np.asarray(moved, np.float32)

    def settings(self) -> Mapping[str, Any]:
        return {"landmarks": "tracked", "flow": self.flow, "window_px": _WINDOW_PX}
