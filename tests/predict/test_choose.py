"""High enough, long enough, not overlapping, no blink."""

import numpy as np
import pytest

from mer.errors import MerError
from mer.predict import SpotSettings
from mer.predict.choose import Noise, choose_peaks, noise_of, threshold_px
from mer.predict.motion import Peak

NOISE = Noise(median_px=0.1, deviation_px=0.05)


def peak(apex_s: float, height_px: float = 1.0, half_s: float = 0.1, eyes_px: float = 0.0) -> Peak:
    return Peak(apex_s - half_s, apex_s, apex_s + half_s, height_px, eyes_px)


def test_noise_is_median_and_robust_deviation() -> None:
    values = np.random.default_rng(0).normal(3, 0.5, 100_001).astype(np.float32)
    found = noise_of(values)
    assert found.median_px == pytest.approx(3, abs=0.01)
    assert found.deviation_px == pytest.approx(0.5, abs=0.01)
    assert noise_of(np.zeros(0, np.float32)) == Noise(0.0, 0.0)


@pytest.mark.parametrize(("sensitivity", "least_px"), [(1.0, 0.25), (0.5, 0.4), (0.25, 0.7)])
def test_sensitivity_lowers_the_threshold(sensitivity: float, least_px: float) -> None:
    settings = SpotSettings(sensitivity=sensitivity)
    assert threshold_px(NOISE, settings) == pytest.approx(least_px)
    peaks = [peak(1, least_px + 0.01), peak(2, least_px - 0.01)]
    assert choose_peaks(peaks, NOISE, settings) == peaks[:1]


def test_still_picture_has_no_movements() -> None:
    assert choose_peaks([peak(1, 0.02)], Noise(0.0, 0.0), SpotSettings(sensitivity=1)) == []


def test_too_short_and_too_long_are_left_out() -> None:
    peaks = [peak(1, half_s=0.019), peak(2, half_s=0.021), peak(3, half_s=0.249), peak(4, half_s=0.251)]
    assert choose_peaks(peaks, NOISE, SpotSettings()) == peaks[1:3]


def test_of_overlapping_peaks_the_highest_is_taken() -> None:
    low, high, apart = peak(1.0, 0.8), peak(1.15, 0.9), peak(1.3, 0.85)
    assert choose_peaks([low, high, apart], NOISE, SpotSettings()) == [high]
    assert choose_peaks([apart, low], NOISE, SpotSettings()) == [low, apart]


def test_blink_is_left_out_by_its_eyelids() -> None:
    blink, frown = peak(1, 0.9, eyes_px=2.8), peak(2, 0.9, eyes_px=2.6)
    assert choose_peaks([blink, frown], NOISE, SpotSettings()) == [frown]
    assert choose_peaks([blink, frown], NOISE, SpotSettings(blink_ratio=10)) == [blink, frown]


def test_score_is_in_deviations_above_the_median() -> None:
    assert NOISE.score(0.35) == pytest.approx(5)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"sensitivity": 0.0}, "sensitivity to be"),
        ({"sensitivity": 1.1}, "sensitivity to be"),
        ({"min_s": 0.5}, "min_s < max_s"),
        ({"max_s": -1.0}, "max_s to be"),
        ({"blink_ratio": -1.0}, "blink_ratio to be"),
        ({"window_s": 0.5}, "spot.window_s to be"),
        ({"fps": 5.0}, "spot.fps to be"),
    ],
)
def test_settings_out_of_bounds_are_refused(settings: dict[str, float], says: str) -> None:
    with pytest.raises(MerError, match=says):
        SpotSettings(**settings)
