"""The bootstrap draws subjects, and its intervals follow."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mer.errors import MerError
from mer.metrics import accuracy, confusion_matrix, subject_bootstrap, uar, uf1
from mer.metrics.functional import Counts

SCORES = {"accuracy": accuracy, "uf1": uf1, "uar": uar}
Predictions = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.object_]]


def balanced(n_subjects: int = 20) -> Predictions:
    """Each subject has 3 clips of 3 classes; two thirds are recognised."""
    rng = np.random.default_rng(0)
    targets = np.tile(np.repeat([0, 1, 2], 3), n_subjects)
    predictions = np.where(rng.random(len(targets)) < 2 / 3, targets, (targets + 1) % 3)
    return targets, predictions, np.repeat([f"s{number}" for number in range(n_subjects)], 9).astype(object)


def intervals(predictions: Predictions, **settings: Any) -> dict[str, tuple[float, float]]:
    return subject_bootstrap(*predictions, 3, SCORES, **settings)


def test_interval_depends_on_the_seed_alone() -> None:
    assert intervals(balanced(), seed=3, draws=200) == intervals(balanced(), seed=3, draws=200)
    assert intervals(balanced(), seed=3, draws=200) != intervals(balanced(), seed=4, draws=200)


def test_interval_holds_the_score_itself() -> None:
    targets, predictions, _ = balanced()
    confusion = confusion_matrix(targets, predictions, 3)
    for name, (low, high) in intervals(balanced()).items():
        assert low < SCORES[name](confusion) < high


def test_perfect_predictions_have_an_interval_of_no_width() -> None:
    targets, _, subjects = balanced()
    assert set(intervals((targets, targets, subjects)).values()) == {(1.0, 1.0)}


def test_clips_of_a_subject_are_drawn_together() -> None:
    targets = np.zeros(100, np.int64)
    predictions = np.repeat([0, 1], 50)
    by_subject = intervals((targets, predictions, np.repeat(["right", "wrong"], 50).astype(object)))
    by_clip = intervals((targets, predictions, np.arange(100).astype(str).astype(object)))
    assert by_subject["accuracy"] == (0, 1)
    assert by_clip["accuracy"] == pytest.approx((0.4, 0.6), abs=0.03)


def test_draws_pool_clips_as_all_equally_likely_draws_do() -> None:
    rng = np.random.default_rng(1)
    n_clips, skill = [9, 1, 4, 6, 2], [0.2, 1.0, 0.9, 0.5, 0.0]
    subjects = np.repeat(list("abcde"), n_clips).astype(object)
    targets = rng.integers(0, 3, len(subjects))
    predictions = np.where(rng.random(len(subjects)) < np.repeat(skill, n_clips), targets, 0)
    tables = [confusion_matrix(targets[subjects == one], predictions[subjects == one], 3) for one in "abcde"]
    exact = [uf1(np.sum(drawn, axis=0)) for drawn in product(tables, repeat=5)]
    ours = intervals((targets, predictions, subjects), draws=4000, coverage=0.8)["uf1"]
    assert ours == pytest.approx(tuple(np.percentile(exact, [10, 90])), abs=0.02)
    assert ours[1] - ours[0] > 0.1


def test_wider_coverage_gives_a_wider_interval() -> None:
    narrow, wide = (intervals(balanced(), coverage=coverage)["uf1"] for coverage in (0.5, 0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_every_draw_has_as_many_subjects_as_there_are() -> None:
    def count_clips(confusion: Counts) -> float:
        return float(confusion.sum())

    targets, predictions, subjects = balanced()
    bounds = subject_bootstrap(targets, predictions, subjects, 3, {"clips": count_clips}, draws=50, coverage=1.0)
    assert bounds["clips"] == (len(targets), len(targets))


@pytest.mark.parametrize("draws", [0, -5, 2.5, "many"])
def test_number_of_draws_out_of_bounds_is_refused(draws: int) -> None:
    with pytest.raises(MerError, match="bootstrap draws"):
        intervals(balanced(), draws=draws)
