"""The 68 landmarks (iBUG order) and where they come from."""

from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

N_LANDMARKS = 68
_EYES = (slice(36, 42), slice(42, 48))

Points = NDArray[np.float32]
Image = NDArray[np.uint8]


class LandmarkSource(Protocol):
    """Finds a clip's landmarks on its onset frame."""

    def find(self, onset: Image, clip: pd.Series) -> Points:
        """RGB ``(H, W, 3)`` -> ``(68, 2)`` x, y in px.

        Raises:
            MerError: the clip has no face or no landmarks; only this clip is refused.
        """
        ...

    def state(self, clip: pd.Series) -> Any:
        """What the landmarks of ``clip`` depend on, plain values for the store's key."""
        ...


def eye_centres(landmarks_px: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres ``(2,)`` of the eye at the image's left and of the one at its right, in px."""
    first, second = (landmarks_px[eye].mean(axis=0, dtype=np.float64) for eye in _EYES)
    return first, second
