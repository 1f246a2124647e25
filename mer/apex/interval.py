"""Onset and offset about the apex, on a curve of an unlabelled video."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mer.apex.peaks import local_peaks, require_curve, smooth_in_time
from mer.errors import MerError, require_number

_STILL = 0.2  # share of the frames on a flank taken to be still


class Interval(NamedTuple):
    """Frames of one movement, as indices into the curve: onset < apex <= offset."""

    onset: int
    apex: int
    offset: int


def spot_interval(
    curve: NDArray[Any],
    fps: float,
    longest_s: float = 0.5,
    smoothing_s: float = 0.02,
    share: float = 0.1,
) -> Interval:
    """Onset, apex and offset of the movement that stands out most from a curve ``(T,)``.

    On the smoothed curve, the apex is the peak of largest prominence within ``longest_s`` on either side:
    ``c(a) - max(lowest before, lowest after)``. The onset is the last frame before it at or below
    ``q + share * (c(a) - q)``, q being the first quintile of the frames before; the offset the first after it by the
    same rule. Each flank has its own q, so a drift hides neither; the curve's first value does not count as still, as
    the frame that all others are compared with lacks their noise.

    Args:
        curve: a spotter's ``curve`` of all frames of the video, a neutral frame first.
        fps: frames a second.
        longest_s: time from onset to apex, and from apex to offset, that cannot be exceeded.
        smoothing_s: standard deviation of the Gaussian over the curve.
        share: of a flank's height above q that counts as still.

    Raises:
        MerError: fewer than three frames, values that are not finite, a curve without any rise, or a setting out of
            bounds.
    """
    require_curve(curve, 3)
    require_number("fps", fps, 1, 100_000)
    require_number("longest_s", longest_s, 0, 60)
    require_number("smoothing_s", smoothing_s, 0, 10)
    require_number("share", share, 0, 0.9)
    smooth = smooth_in_time(np.asarray(curve, np.float32), smoothing_s * fps)
    reach = max(1, round(longest_s * fps))
    apex = _most_prominent(smooth, reach)
    before, after = smooth[max(0, apex - reach) : apex], smooth[apex + 1 : apex + 1 + reach]
    onset = apex - len(before) + int(np.flatnonzero(before <= _still(before, smooth[apex], share))[-1])
    if not len(after):
        return Interval(onset, apex, apex)
    return Interval(onset, apex, apex + 1 + int(np.flatnonzero(after <= _still(after, smooth[apex], share))[0]))


def _most_prominent(curve: NDArray[np.float32], reach: int) -> int:
    """The peak, or the end of a curve that still rises, that is highest above the lowest values beside it."""
    peaks = [int(peak) for peak in local_peaks(curve)]
    last = len(curve) - 1
    if curve[last] > curve[last - 1]:
        peaks.append(last)
    if not peaks:
        raise MerError("a curve with a rise", "none", "give a video with a movement, its neutral face first")
    return max(peaks, key=lambda peak: (prominence(curve, peak, reach), -peak))


def prominence(curve: NDArray[Any], peak: int, reach: int) -> float:
    """Height of ``curve[peak]`` above the higher of the lowest values in ``reach`` frames before and after it."""
    before, after = curve[max(0, peak - reach) : peak], curve[peak + 1 : peak + 1 + reach]
    lows = [float(side.min()) for side in (before, after) if len(side)]
    return float(curve[peak]) - max(lows)


def _still(flank: NDArray[Any], height: float, share: float) -> float:
    still = float(np.quantile(flank, _STILL))
    return still + share * (float(height) - still)
