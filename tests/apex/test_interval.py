"""Onset, apex and offset on a curve of known shape."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mer.apex import spot_interval
from mer.apex.interval import prominence
from mer.errors import MerError

FPS = 200.0


def movement(frames: int, onset: int, apex: int, offset: int, height: float = 1.0) -> NDArray[np.float64]:
    return np.interp(np.arange(frames), [0, onset, apex, offset, frames], [0, 0, height, 0, 0])


def test_a_movement_is_found_within_its_flanks_tenth_and_the_smoothing() -> None:
    found = spot_interval(movement(200, 60, 90, 130), FPS)
    assert np.abs(np.subtract(found, (60, 90, 130))).max() <= 6


def test_without_smoothing_and_share_the_interval_is_exact() -> None:
    assert spot_interval(movement(200, 60, 90, 130), FPS, smoothing_s=0, share=0) == (60, 90, 130)


@pytest.mark.parametrize("drift", [-0.6, 0.6])
def test_drift_does_not_move_the_apex(drift: float) -> None:
    curve = movement(200, 60, 90, 130) + drift * np.linspace(0, 1, 200)
    found = spot_interval(curve, FPS)
    assert abs(found.apex - 90) <= 3
    assert 40 <= found.onset < found.apex < found.offset <= 150


def test_of_two_movements_the_larger_is_found() -> None:
    curve = movement(400, 60, 90, 130, 0.7) + movement(400, 250, 280, 310)
    assert abs(spot_interval(curve, FPS).apex - 280) <= 2


def test_noise_of_a_tenth_of_the_height_moves_the_apex_by_little() -> None:
    curve = movement(200, 60, 90, 130) + np.random.default_rng(0).normal(0, 0.1, 200)
    assert abs(spot_interval(curve, FPS).apex - 90) <= 8


def test_a_curve_that_still_rises_at_its_end_has_apex_and_offset_there() -> None:
    found = spot_interval(np.maximum(0, np.arange(50.0) - 20), FPS, smoothing_s=0)
    assert found[1:] == (49, 49)
    assert 20 <= found.onset < 25


def test_no_flank_is_longer_than_asked() -> None:
    found = spot_interval(movement(400, 10, 200, 390), FPS, longest_s=0.25)
    assert found.apex - found.onset <= 50
    assert found.offset - found.apex <= 50


def test_prominence_is_the_height_above_the_higher_of_the_lowest_values() -> None:
    curve = np.array([0.0, 1, 5, 2, 3])
    assert prominence(curve, 2, 10) == 3
    assert prominence(curve, 4, 1) == 1


@pytest.mark.parametrize(
    ("curve", "changed", "message"),
    [
        (np.zeros(2), {}, "of 3 frames or more"),
        (np.array([0, np.nan, 0]), {}, "finite values"),
        (np.zeros(30), {}, "a curve with a rise; got none"),
        (-np.arange(30.0), {}, "a curve with a rise; got none"),
        (np.arange(9.0), {"fps": 0.0}, "fps to be a number in"),
        (np.arange(9.0), {"longest_s": -1.0}, "longest_s to be a number in"),
        (np.arange(9.0), {"smoothing_s": -1.0}, "smoothing_s to be a number in"),
        (np.arange(9.0), {"share": 1.0}, "share to be a number in"),
    ],
)
def test_what_has_no_interval_is_refused(curve: NDArray[Any], changed: dict[str, float], message: str) -> None:
    with pytest.raises(MerError, match=message):
        spot_interval(curve, **({"fps": FPS} | changed))
