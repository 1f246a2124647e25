"""Peaks of a curve, and the search that divides and conquers."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError


def local_peaks(curve: NDArray[Any]) -> NDArray[np.intp]:
    """Indices of the local maxima of a curve ``(T,)``, its ends excluded; of a plateau, its first index."""
    starts = np.flatnonzero(np.concatenate([[True], curve[1:] != curve[:-1]]))  # of the runs of equal values
    values = curve[starts]
    inner = (values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])
    return starts[1:-1][inner]


def divide_and_conquer(curve: NDArray[Any]) -> int:
    """Index, above 0, of the peak that halving ends at.

    The interval is halved, the values of the peaks in each half are summed, the half with the larger sum is kept (the
    earlier of two equal ones), until one peak is left. A curve without peaks has its largest value at the apex. Many
    middling peaks beat one that stands alone: this is not the position of the maximum.

    Source: Liong, See, Wong, Le Ngo, Oh and Phan, ACPR 2015, doi 10.1109/ACPR.2015.7486586.

    Raises:
        MerError: ``curve`` is no curve of two finite values or more.
    """
    require_curve(curve, 2)
    peaks = local_peaks(curve)
    if not len(peaks):
        return 1 + int(curve[1:].argmax())
    low, high = 0, len(curve)
    while len(peaks) > 1:
        middle = (low + high) // 2
        earlier, later = peaks[peaks < middle], peaks[peaks >= middle]
        if not len(later) or (len(earlier) and curve[earlier].sum() >= curve[later].sum()):
            peaks, high = earlier, middle
        else:
            peaks, low = later, middle
    return int(peaks[0])


def require_curve(curve: NDArray[Any], fewest: int) -> None:
    """Refuse what is no curve ``(T,)`` of ``fewest`` finite values or more.

    Raises:
        MerError: it is not.
    """
    if curve.ndim != 1 or len(curve) < fewest:
        raise MerError(f"a curve (T,) of {fewest} frames or more", f"{curve.shape}", "give one value a frame")
    if not np.isfinite(curve).all():
        raise MerError("a curve of finite values", f"{(~np.isfinite(curve)).sum()} others", "check the crops")


def smooth_in_time(values: NDArray[Any], sigma_frames: float) -> NDArray[Any]:
    """Gaussian mean over the first dimension, frames mirrored at both ends; ``sigma_frames`` 0 changes nothing.

    Args:
        values: ``(T, ...)`` uint8 or float32.
        sigma_frames: standard deviation.
    """
    if sigma_frames <= 0 or len(values) < 2:
        return values
    reach = min(int(np.ceil(3 * sigma_frames)), len(values) - 1)
    rows = np.ascontiguousarray(values).reshape(len(values), -1)
    kernel = cv2.getGaussianKernel(2 * reach + 1, sigma_frames)
    smooth = cv2.sepFilter2D(rows, -1, np.ones(1), kernel, borderType=cv2.BORDER_REFLECT)
    return np.asarray(smooth).reshape(values.shape)
