"""Intervals are paired one to one by their overlap, as MEGC counts them."""

import numpy as np
import pytest

from mer.metrics.spotting import SpottingCounts, interval_iou, match_intervals, spotting_counts


def test_iou_of_closed_intervals_counts_frames() -> None:
    rng = np.random.default_rng(0)
    one, other = (np.sort(rng.integers(0, 30, (20, 2)), axis=1) for _ in range(2))
    sets = [[set(range(first, last + 1)) for first, last in intervals] for intervals in (one, other)]
    expected = [[len(a & b) / len(a | b) for b in sets[1]] for a in sets[0]]
    np.testing.assert_allclose(interval_iou(one, other), expected)


def test_half_an_overlap_is_a_hit_and_less_is_none() -> None:
    assert match_intervals([(0, 9)], [(0, 19)]) == [(0, 0)]
    assert match_intervals([(0, 8)], [(0, 19)]) == []


def test_each_interval_is_paired_once_the_closest_first() -> None:
    assert match_intervals([(0, 10), (0, 9)], [(0, 9)]) == [(1, 0)]
    assert sorted(match_intervals([(0, 9), (20, 29)], [(21, 30), (1, 10)])) == [(0, 1), (1, 0)]


def test_measures_follow_from_counts() -> None:
    counts = spotting_counts([(0, 9), (50, 60)], [(0, 9), (100, 110), (200, 210)])
    assert counts == SpottingCounts(1, 2, 3)
    assert (counts.recall, counts.precision, counts.f1) == pytest.approx((1 / 3, 1 / 2, 2 / 5))


def test_nothing_spotted_has_no_precision() -> None:
    assert np.isnan(spotting_counts([], [(0, 9)]).precision)
    assert spotting_counts([], [(0, 9)]).recall == 0
    assert np.isnan(spotting_counts([(0, 9)], []).recall)
    assert np.isnan(spotting_counts([], []).f1)
