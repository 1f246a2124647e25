"""The 68 landmarks (iBUG order) and where they come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer.clip import clip_name
from mer.errors import MerError
from mer.frames import Image

N_LANDMARKS = 68
_EYES = (slice(36, 42), slice(42, 48))
MIRRORED = (  # number of the landmark that stands at each one's place in the mirrored face
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46), *(39, 38, 37, 36, 41, 40),
    *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
)  # fmt: skip

Points = NDArray[np.float32]


@dataclass(frozen=True)
class FoundLandmarks:
    """Landmarks of one clip.

    Attributes:
        points_px: ``(68, 2)`` x, y in px of the onset frame.
        remark: what a user should know about them, "3 faces, the largest taken"; "" where there is nothing.
    """

    points_px: Points
    remark: str = ""


class LandmarkSource(Protocol):
    """Finds the landmarks of clips on their onset frames."""

    def find(self, onsets: Sequence[Image], clips: Sequence[pd.Series]) -> list[FoundLandmarks | MerError]:
        """RGB onset frames ``(H, W, 3)``, of any sizes, and their clips -> one entry a clip; an error refuses its clip.

        Raises:
            MerError: no clip at all can get landmarks, as weights or a file are missing.
        """
        ...

    def state(self, clip: pd.Series) -> Any:
        """What the landmarks of ``clip`` depend on, plain values for the store's key."""
        ...


def eye_centres(landmarks_px: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres ``(2,)`` of the eye at the image's left and of the one at its right, in px."""
    first, second = (landmarks_px[eye].mean(axis=0, dtype=np.float64) for eye in _EYES)
    return first, second


def no_face(clip: pd.Series, remedy: str) -> MerError:
    """Refusal of a clip whose onset frame shows no face."""
    return MerError(f"a face in {clip_name(clip)}", "none on its onset frame", remedy)
