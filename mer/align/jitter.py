"""How still a clip's crops are."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError
from mer.frames import Image

_STOP = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 100, 1e-6)
_BLUR_SIZE = 5


def residual_jitter_px(crops: Sequence[Image]) -> float:
    """Root mean square of the global shift from each crop to the next, px: the head's motion that is left.

    Args:
        crops: two or more RGB crops ``(S, S, 3)``, in order.

    Raises:
        MerError: there are fewer than two, or two of them show nothing in common.
    """
    if len(crops) < 2:
        raise MerError("two crops or more", f"{len(crops)}", "give a clip of several frames")
    grey = [np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8) for crop in crops]
    shifts = np.array([global_shift_px(first, second) for first, second in pairwise(grey)])
    return float(np.sqrt((shifts**2).sum(axis=1).mean()))


def global_shift_px(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Shift ``(2,)``, x and y in px, of the grey image ``second`` against ``first``, whatever their brightness.

    It maximises the enhanced correlation coefficient (Evangelidis and Psarakis, 2008, doi 10.1109/TPAMI.2008.113).

    Raises:
        MerError: the images show nothing in common.
    """
    start, everywhere = np.eye(2, 3, dtype=np.float32), np.ones_like(first)
    try:
        _, matrix = cv2.findTransformECC(first, second, start, cv2.MOTION_TRANSLATION, _STOP, everywhere, _BLUR_SIZE)
    except cv2.error as error:
        raise MerError("frames of one scene", "two that show nothing in common", "check the clip") from error
    return np.asarray(matrix[:, 2], np.float64)
