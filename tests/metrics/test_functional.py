"""The scores against scikit-learn, MEGC2019's worked checks and closed forms."""

import doctest
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sklearn

from mer.errors import MerError
from mer.metrics import (
    accuracy,
    confusion_matrix,
    f1_of_means,
    f1_per_class,
    functional,
    macro_precision,
    mean_landmark_error,
    precision_per_class,
    recall_per_class,
    summarise,
    uar,
    uf1,
)

Labels = NDArray[np.int64]
ALL_NEGATIVE = np.array([[250, 0, 0], [109, 0, 0], [83, 0, 0]])


def random_labels(seed: int) -> tuple[Labels, Labels]:
    """Targets and predictions of 5 classes; few clips, so that classes are absent from either or both."""
    rng = np.random.default_rng(seed)
    present, guessed = (rng.choice(5, size=rng.integers(1, 5), replace=False) for _ in range(2))
    n_clips = rng.integers(1, 40)
    return rng.choice(present, n_clips), rng.choice(guessed, n_clips)


def test_random_labels_miss_classes_in_every_way() -> None:
    pairs = [tuple(set(labels.tolist()) for labels in random_labels(seed)) for seed in range(12)]
    assert any(len(targets | predictions) < 5 for targets, predictions in pairs)
    assert any(targets - predictions for targets, predictions in pairs)
    assert any(predictions - targets for targets, predictions in pairs)


@pytest.mark.parametrize("seed", range(12))
def test_scores_equal_scikit_learn(seed: int) -> None:
    targets, predictions = random_labels(seed)
    confusion = confusion_matrix(targets, predictions, 5)
    macro = {"average": "macro", "zero_division": 0}
    np.testing.assert_array_equal(confusion, sklearn.confusion_matrix(targets, predictions, labels=range(5)))
    assert accuracy(confusion) == pytest.approx(sklearn.accuracy_score(targets, predictions))
    assert uf1(confusion) == pytest.approx(sklearn.f1_score(targets, predictions, **macro))
    assert macro_precision(confusion) == pytest.approx(sklearn.precision_score(targets, predictions, **macro))
    occurring = np.unique(targets)
    assert uar(confusion) == pytest.approx(sklearn.recall_score(targets, predictions, labels=occurring, **macro))


@pytest.mark.parametrize("seed", range(4))
def test_scores_of_each_class_equal_scikit_learn(seed: int) -> None:
    targets, predictions = np.random.default_rng(seed).integers(0, 4, (2, 60))
    confusion = confusion_matrix(targets, predictions, 4)
    precision, recall, f1, _ = sklearn.precision_recall_fscore_support(targets, predictions, labels=range(4))
    np.testing.assert_allclose(precision_per_class(confusion), precision)
    np.testing.assert_allclose(recall_per_class(confusion), recall)
    np.testing.assert_allclose(f1_per_class(confusion), f1)


def test_all_negative_predictor_scores_as_megc2019_says() -> None:
    assert f1_per_class(ALL_NEGATIVE) == pytest.approx([0.7225, 0, 0], abs=5e-5)
    assert uf1(ALL_NEGATIVE) == pytest.approx(0.2408, abs=5e-5)
    assert uar(ALL_NEGATIVE) == pytest.approx(0.3333, abs=5e-5)


@pytest.mark.parametrize("score", [accuracy, uf1, uar, macro_precision, f1_of_means])
def test_perfect_predictions_score_one_and_none_score_zero(score: Callable[[functional.Counts], float]) -> None:
    assert score(np.diag([7, 0, 2])) == 1
    assert score(np.zeros((3, 3), np.int64)) == 0


def test_class_that_never_occurs_counts_only_where_it_is_predicted() -> None:
    unused = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    assert uf1(unused) == pytest.approx(uf1(unused[:2, :2]))
    predicted = np.array([[3, 1, 1], [0, 4, 0], [0, 0, 0]])
    assert f1_per_class(predicted)[2] == 0
    assert math.isnan(recall_per_class(predicted)[2])
    assert uf1(predicted) == pytest.approx((6 / 8 + 8 / 9 + 0) / 3)
    assert uar(predicted) == pytest.approx((3 / 5 + 1) / 2)


def test_f1_of_means_is_not_the_mean_of_f1() -> None:
    confusion = np.array([[8, 2], [6, 4]])
    precision, recall = (8 / 14 + 4 / 6) / 2, (0.8 + 0.4) / 2
    assert f1_of_means(confusion) == pytest.approx(2 * precision * recall / (precision + recall))
    assert abs(f1_of_means(confusion) - uf1(confusion)) > 0.01


def test_confusion_matrix_has_targets_in_rows() -> None:
    assert confusion_matrix([0, 0, 2], [1, 1, 2], 3).tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("targets", "predictions", "message"),
    [
        ([0, 1], [0], "equal length"),
        ([[0, 1]], [[0, 1]], "equal length"),
        ([0, 3], [0, 1], r"0\.\.2; got 0\.\.3"),
        ([0, 1], [-1, 1], r"0\.\.2; got -1\.\.1"),
    ],
)
def test_labels_that_cannot_be_counted_are_refused(targets: list[int], predictions: list[int], message: str) -> None:
    with pytest.raises(MerError, match=message):
        confusion_matrix(targets, predictions, 3)


def test_summary_holds_plain_numbers_and_none_for_what_is_undefined() -> None:
    summary = summarise(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]), ("negative", "positive", "surprise"))
    assert summary["accuracy"] == 7 / 8
    assert summary["n_clips"] == 8
    assert summary["confusion"] == [[3, 1, 0], [0, 4, 0], [0, 0, 0]]
    assert summary["per_class"]["negative"] == {
        "precision": 1.0,
        "recall": 0.75,
        "f1": pytest.approx(6 / 7),
        "clips": 4,
    }
    assert summary["per_class"]["surprise"] == {"precision": None, "recall": None, "f1": None, "clips": 0}


def test_landmark_error_is_the_mean_distance_over_the_root_of_the_box() -> None:
    truth = np.array([[[0, 0], [8, 0], [8, 2], [0, 2]], [[1, 1], [10, 1], [10, 5], [1, 5]]])
    found = truth + np.array([[[3, 4]], [[0, 0]]])
    found[1, 0] += [6, 8]
    np.testing.assert_allclose(mean_landmark_error(truth, found), [5 / 4, 10 / 4 / 6])


def test_landmark_error_does_not_depend_on_the_image_scale() -> None:
    truth, offset = np.random.default_rng(0).normal(size=(2, 3, 68, 2))
    errors = mean_landmark_error(truth, truth + offset)
    assert errors.shape == (3,)
    np.testing.assert_allclose(mean_landmark_error(7 * truth + 2, 7 * (truth + offset) + 2), errors)


@pytest.mark.parametrize(
    ("truth_shape", "found_shape"), [((1, 5, 2), (1, 4, 2)), ((5, 2), (5, 2)), ((1, 5, 3), (1, 5, 3)), ((1, 0, 2),) * 2]
)
def test_landmarks_of_another_shape_are_refused(truth_shape: tuple[int, ...], found_shape: tuple[int, ...]) -> None:
    with pytest.raises(MerError, match=r"\(B, N, 2\)"):
        mean_landmark_error(np.ones(truth_shape), np.ones(found_shape))


@pytest.mark.parametrize("points", [[[0, 0], [0, 4]], [[2, 2], [2, 2]], [[0, 0], [math.nan, 4]]])
def test_landmarks_without_a_box_are_refused(points: list[list[float]]) -> None:
    with pytest.raises(MerError, match="span a box"):
        mean_landmark_error([points], [points])


def test_examples_of_the_docstrings_hold() -> None:
    results = doctest.testmod(functional)
    assert results.attempted >= 6
    assert results.failed == 0
