"""The curve rises where skin moves away and back, and nowhere else."""

import numpy as np
import pytest

from mer.predict.motion import at_times, departure, lengths_px, window_curve
from tests.predict.faces import Bump, frames, moved, points

REACH = 10
TIME = np.arange(80.0)


def cells(course: np.ndarray) -> np.ndarray:
    """Ten cells that all move down by ``course``: ``(T, 2, 10)``."""
    return np.stack([np.zeros((len(course), 10)), np.repeat(course[:, None], 10, axis=1)], axis=1).astype(np.float32)


def test_bump_departs_by_its_height_at_its_top() -> None:
    curve = departure(cells(np.clip(1 - np.abs(TIME - 40) / 8, 0, None)), REACH)
    assert curve.shape == (60,)
    assert curve.argmax() == 40 - REACH
    assert curve.max() == pytest.approx(1.0)
    # Beside the bump one side is at rest: no second peak half as high.
    np.testing.assert_allclose(curve[: 40 - 8 - REACH + 1], 0, atol=1e-6)
    np.testing.assert_allclose(curve[40 + 8 - REACH :], 0, atol=1e-6)


@pytest.mark.parametrize(
    ("course", "highest"),
    [(np.zeros(80), 0), (0.3 * TIME, 0), ((TIME > 40) * 1.0, 0), (np.clip(TIME - 40, 0, 5) / 5, 0.2)],
    ids=["rest", "drift", "step", "rise that stays"],
)
def test_what_does_not_come_back_hardly_departs(course: np.ndarray, highest: float) -> None:
    np.testing.assert_allclose(departure(cells(course), REACH), 0, atol=highest + 1e-5)


def test_length_is_what_a_tenth_of_the_cells_exceed() -> None:
    moved = np.zeros((1, 2, 10), np.float32)
    moved[0, 0, :] = 3 * np.arange(10)
    moved[0, 1, :] = 4 * np.arange(10)
    assert lengths_px(moved)[0] == pytest.approx(np.percentile(5 * np.arange(10), 90))


def test_values_between_times_are_numpys() -> None:
    rng = np.random.default_rng(0)
    seconds, values = np.sort(rng.uniform(0, 3, 20)), rng.normal(size=(20, 2))
    wanted = np.linspace(seconds[0], seconds[-1], 50)
    expected = np.stack([np.interp(wanted, seconds, column) for column in values.T], axis=1)
    np.testing.assert_allclose(at_times(values.astype(np.float32), seconds, wanted), expected, atol=1e-5)


def window(bumps: list[Bump], times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Crops 128 px square about the face, and the landmarks there."""
    first = np.floor(points().mean(axis=0) - 64).astype(int)
    left, top = first
    drawn = [frame[top : top + 128, left : left + 128].mean(axis=-1) for frame in frames(bumps, times)]
    return np.rint(np.stack(drawn)).astype(np.uint8), points() - first.astype(np.float32)


def test_planted_movement_is_the_highest_peak_with_its_times() -> None:
    times = np.arange(40) / 25
    crops, landmarks = window([Bump(0.8, 0.16)], times)
    told = window_curve(crops, times, landmarks, "dis")
    peak = max(told.peaks, key=lambda one: one.height_px)
    assert peak.apex_s == pytest.approx(0.8, abs=0.05)
    assert peak.onset_s == pytest.approx(0.64, abs=0.09)
    assert peak.offset_s == pytest.approx(0.96, abs=0.09)
    assert peak.height_px > 5 * np.median(told.curve_px)
    assert peak.eyes_px < peak.height_px
    assert told.seconds[told.curve_px.argmax()] == pytest.approx(0.8, abs=0.05)


def test_shake_of_the_whole_head_is_no_movement() -> None:
    left, top = np.floor(points().mean(axis=0) - 64).astype(int)
    shift_px = 2 * np.clip(1 - np.abs(np.arange(40) / 25 - 0.8) / 0.16, 0, None)
    drawn = np.stack([moved([], 0.0, float(shift))[top : top + 128, left : left + 128, 0] for shift in shift_px])
    crops = np.clip(np.rint(drawn), 0, 255).astype(np.uint8)
    told = window_curve(crops, np.arange(40) / 25, points() - np.array([left, top], np.float32), "dis")
    assert told.curve_px.max() < 0.4


def test_window_too_short_to_compare_tells_nothing() -> None:
    times = np.arange(14) / 25
    crops, landmarks = window([Bump(0.3)], times)
    told = window_curve(crops, times, landmarks, "dis")
    assert (len(told.seconds), len(told.curve_px), told.peaks) == (0, 0, ())
    assert window_curve(crops[:1], times[:1], landmarks, "dis").peaks == ()
