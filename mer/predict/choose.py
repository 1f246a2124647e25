"""Which peaks of the curve are taken for movements."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError, require_number
from mer.predict.motion import Peak

_Z_AT_FULL_SENSITIVITY = 3.0
_NORMAL = 1.4826  # standard deviation of a normal variable over its median absolute deviation
_SMALLEST_PX = 0.03  # a still picture has no noise to stand out from


@dataclass(frozen=True)
class SpotSettings:
    """What is taken for a movement.

    Attributes:
        sensitivity: in (0, 1]; a peak must stand ``3 / sensitivity`` robust standard deviations above the curve's
            median.
        min_s, max_s: shortest and longest time from onset to offset, s.
        blink_ratio: a peak whose eyelids move so many times further than brows and mouth is a blink, and left out.
        window_s: time in which all crops have one transform.
        fps: frames a second that are looked at; of faster videos, the mean of neighbouring frames is.
        flow: method, see ``build_flow``.

    Raises:
        MerError: a setting is out of bounds.
    """

    sensitivity: float = 0.5
    min_s: float = 1 / 25
    max_s: float = 1 / 2
    blink_ratio: float = 3.0
    window_s: float = 3.0
    fps: float = 50.0
    flow: str = "dis"

    def __post_init__(self) -> None:
        require_number("sensitivity", self.sensitivity, 0.01, 1)
        require_number("min_s", self.min_s, 0, 10)
        require_number("max_s", self.max_s, 0, 10)
        require_number("blink_ratio", self.blink_ratio, 0, 1e6)
        require_number("spot.window_s", self.window_s, 1, 60)
        require_number("spot.fps", self.fps, 10, 1000)
        if not self.min_s < self.max_s:
            raise MerError("min_s < max_s", f"{self.min_s:g} and {self.max_s:g}", "swap or change them")


@dataclass(frozen=True)
class Noise:
    """The curve at rest: its median and its robust standard deviation, px."""

    median_px: float
    deviation_px: float

    def score(self, height_px: float) -> float:
        """Robust standard deviations that ``height_px`` stands above the median."""
        return (height_px - self.median_px) / max(self.deviation_px, 1e-6)

    def height_px(self, score: float) -> float:
        """The height with that score, and no less than what a still picture's rounding gives."""
        return max(self.median_px + score * self.deviation_px, _SMALLEST_PX)


def noise_of(curve_px: NDArray[np.float32]) -> Noise:
    """Median and 1.4826 times the median absolute deviation of a curve ``(n,)``; 0 of an empty one."""
    if not len(curve_px):
        return Noise(0.0, 0.0)
    median = float(np.median(curve_px))
    return Noise(median, _NORMAL * float(np.median(np.abs(curve_px - median))))


def choose_peaks(peaks: Sequence[Peak], noise: Noise, settings: SpotSettings) -> list[Peak]:
    """The peaks that are high enough and last neither too short nor too long, in order of time.

    Of two that overlap the higher one is taken.
    """
    least_px = threshold_px(noise, settings)
    fitting = [
        peak
        for peak in peaks
        if settings.min_s <= peak.offset_s - peak.onset_s <= settings.max_s
        and peak.eyes_px <= settings.blink_ratio * peak.height_px
    ]
    chosen: list[Peak] = []
    for peak in sorted(fitting, key=lambda one: (-one.height_px, one.onset_s)):
        if peak.height_px >= least_px and not any(_overlap(peak, other) for other in chosen):
            chosen.append(peak)
    return sorted(chosen)


def threshold_px(noise: Noise, settings: SpotSettings) -> float:
    """Height of the curve from which on a peak counts, px."""
    return noise.height_px(_Z_AT_FULL_SENSITIVITY / settings.sensitivity)


def _overlap(one: Peak, other: Peak) -> bool:
    return one.onset_s <= other.offset_s and other.onset_s <= one.offset_s
