"""Classifiers of descriptors: what they learn, and from whom."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from sklearn.svm import SVC

from mer.errors import MerError
from mer.handcrafted.classifiers import Chance, Majority, SubjectSVM, TrainingClips


def clouds(n_clips: int = 60, n_classes: int = 3, spread: float = 0.3, seed: int = 0) -> TrainingClips:
    """Classes as clouds about the corners of a cube, clips dealt over six subjects."""
    random = np.random.default_rng(seed)
    targets = np.arange(n_clips) % n_classes
    vectors = np.eye(5)[targets] + spread * random.normal(size=(n_clips, 5))
    subjects = np.array([f"s{number}" for number in random.integers(0, 6, n_clips)], object)
    return TrainingClips(vectors, targets, subjects, n_classes, seed)


@pytest.mark.parametrize("kernel", ["linear", "rbf", "poly"])
def test_clouds_are_told_apart(kernel: str) -> None:
    scores = SubjectSVM(kernel).probabilities(clouds(), clouds(seed=1).vectors)
    assert (scores.argmax(1) == clouds(seed=1).targets).mean() > 0.9
    np.testing.assert_allclose(scores.sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("settings", [{}, {"standardise": True}, {"balanced": True}])
def test_largest_score_is_scikit_learns_prediction(n_classes: int, settings: dict[str, Any]) -> None:
    training, others = clouds(n_classes=n_classes, spread=1.5), clouds(spread=2, seed=1).vectors
    machine = SubjectSVM(c=[2.0], **settings)
    fitted = machine._fit(training.vectors, training.targets, 2.0)
    assert np.array_equal(machine.probabilities(training, others).argmax(1), fitted.predict(others))


def test_a_class_without_training_clips_has_score_zero() -> None:
    training = replace(clouds(n_classes=3), num_classes=5)
    scores = SubjectSVM().probabilities(training, clouds().vectors)
    assert scores.shape == (60, 5)
    assert scores[:, 3:].max() == 0
    alone = replace(training, targets=np.full(60, 2))
    assert (SubjectSVM().probabilities(alone, clouds().vectors)[:, 2] == 1).all()


def test_c_is_chosen_where_left_out_subjects_are_told_apart_best() -> None:
    """A small C underfits few clips of a rare class; a large one tells it apart."""
    training = clouds(spread=0.05)
    rare = np.flatnonzero(training.targets == 2)[6:]
    kept = np.setdiff1d(np.arange(60), rare)
    few = TrainingClips(training.vectors[kept], training.targets[kept], training.subjects[kept], 3, 0)
    assert SubjectSVM(c=[1e-4, 10]).choose_c(few) == 10


def test_of_equally_good_values_the_smallest_is_taken() -> None:
    assert SubjectSVM(c=[1000, 10, 100]).choose_c(clouds(spread=0.01)) == 10


def test_choosing_c_never_fits_the_subject_that_it_scores() -> None:
    training, fitted = clouds(), []
    original = SVC.fit

    def spy(self: SVC, vectors: np.ndarray, targets: np.ndarray) -> SVC:
        fitted.append({tuple(row) for row in vectors})
        return original(self, vectors, targets)

    with patch.object(SVC, "fit", spy):
        SubjectSVM(c=[1, 2]).choose_c(training)
    by_subject = [
        {tuple(row) for row in training.vectors[training.subjects == one]} for one in np.unique(training.subjects)
    ]
    for rows, left_out in zip(fitted, 2 * by_subject, strict=True):
        assert not rows & left_out
        assert len(rows) + len(left_out) == 60


def test_majority_is_the_most_frequent_class() -> None:
    training = replace(clouds(), targets=np.array([0] * 10 + [1] * 30 + [2] * 20), num_classes=4)
    scores = Majority().probabilities(training, np.zeros((3, 5)))
    np.testing.assert_allclose(scores, np.tile([1 / 6, 1 / 2, 1 / 3, 0], (3, 1)), rtol=1e-6)


def test_chance_draws_classes_as_often_as_they_were_trained() -> None:
    training = replace(clouds(), targets=np.array([0] * 45 + [2] * 15))
    drawn = Chance().probabilities(training, np.zeros((4000, 5)))
    np.testing.assert_allclose(drawn.mean(0), [0.75, 0, 0.25], atol=0.03)
    assert np.array_equal(drawn, Chance().probabilities(training, np.zeros((4000, 5))))
    assert not np.array_equal(drawn, Chance().probabilities(replace(training, seed=1), np.zeros((4000, 5))))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernel": "sigmoid"}, r"model\.classifier\.kernel"),
        ({"c": []}, r"model\.classifier\.c"),
        ({"c": [1, 0]}, r"each of model\.classifier\.c"),
    ],
)
def test_setting_out_of_bounds_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(MerError, match=message):
        SubjectSVM(**settings)
