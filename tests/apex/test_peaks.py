"""Local peaks, divide and conquer, smoothing over time."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from mer.apex.peaks import divide_and_conquer, local_peaks, smooth_in_time
from mer.errors import MerError


def test_peaks_are_scipys_where_there_are_no_plateaus() -> None:
    curve = np.random.default_rng(0).normal(0, 1, 500)
    assert local_peaks(curve).tolist() == find_peaks(curve)[0].tolist()


def test_a_plateau_counts_once_at_its_first_frame_and_the_ends_do_not_count() -> None:
    assert local_peaks(np.array([9.0, 1, 3, 3, 3, 1, 2, 2, 8])).tolist() == [2]


@pytest.mark.parametrize("apex", [1, 7, 20, 38])
def test_one_peak_is_the_apex(apex: int) -> None:
    assert divide_and_conquer(-np.abs(np.arange(40.0) - apex)) == apex


def test_the_half_with_the_larger_sum_of_peaks_is_kept() -> None:
    assert divide_and_conquer(np.array([0.0, 1, 0, 0, 5, 0, 4, 0])) == 4


def test_many_middling_peaks_beat_the_one_that_stands_alone() -> None:
    curve = np.array([0, 9.0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 4, 0, 5, 0, 0])
    assert curve.argmax() == 1
    assert divide_and_conquer(curve) == 9


def test_of_two_equal_halves_the_earlier_is_kept() -> None:
    assert divide_and_conquer(np.array([0.0, 2, 0, 0, 0, 0, 2, 0])) == 1


def test_peaks_of_negative_sum_still_end_at_a_peak() -> None:
    curve = np.array([-9.0, -8, -9, -7, -9, -9, -9, -9])
    assert divide_and_conquer(curve) == 3
    assert divide_and_conquer(curve[::-1]) == 4


def test_a_curve_that_only_rises_has_its_apex_last_and_a_flat_one_never_at_onset() -> None:
    assert divide_and_conquer(np.arange(5.0)) == 4
    assert divide_and_conquer(np.zeros(5)) == 1
    assert divide_and_conquer(np.array([3.0, 1.0])) == 1


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        (np.zeros(1), "of 2 frames or more"),
        (np.zeros((3, 3)), "of 2 frames or more"),
        (np.array([0, np.nan, np.inf]), "finite values; got 2 others"),
    ],
)
def test_what_is_no_curve_is_refused(curve: NDArray[np.float64], message: str) -> None:
    with pytest.raises(MerError, match=message):
        divide_and_conquer(curve)


def test_smoothing_is_a_gaussian_mean_with_mirrored_ends() -> None:
    values = np.random.default_rng(1).normal(0, 1, (40, 3, 5)).astype(np.float32)
    expected = gaussian_filter1d(values, 2, axis=0, mode="reflect", truncate=3)
    assert np.allclose(smooth_in_time(values, 2), expected, atol=1e-5)


def test_smoothing_keeps_a_curves_shape_a_constant_and_what_is_not_to_be_smoothed() -> None:
    curve = np.full(9, 7, np.float32)
    assert smooth_in_time(curve, 3).shape == (9,)
    assert np.allclose(smooth_in_time(curve, 3), 7)
    assert smooth_in_time(curve, 0) is curve
