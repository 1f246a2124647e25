"""The torchmetrics pool over updates."""

import doctest
from collections.abc import Callable

import pytest
import torch

from mer.errors import MerError
from mer.metrics import (
    UAR,
    UF1,
    MeanLandmarkError,
    PooledScore,
    accuracy,
    confusion_matrix,
    mean_landmark_error,
    modules,
    uar,
    uf1,
)
from mer.metrics.functional import Counts

BATCHES = (
    (torch.tensor([0, 0, 1, 2]), torch.tensor([0, 0, 1, 1])),  # predictions, targets
    (torch.tensor([2, 2]), torch.tensor([2, 0])),
)


@pytest.mark.parametrize(("metric", "score"), [(UF1(3), uf1), (UAR(3), uar), (PooledScore(3, accuracy), accuracy)])
def test_score_is_of_the_pooled_clips_not_a_mean_of_batches(
    metric: PooledScore, score: Callable[[Counts], float]
) -> None:
    per_batch = []
    for predictions, targets in BATCHES:
        metric.update(predictions, targets)
        per_batch.append(score(confusion_matrix(targets, predictions, 3)))
    predictions, targets = (torch.cat(parts) for parts in zip(*BATCHES, strict=True))
    pooled = score(confusion_matrix(targets, predictions, 3))
    assert metric.compute().item() == pytest.approx(pooled)
    assert abs(sum(per_batch) / 2 - pooled) > 0.01


def test_logits_count_as_their_largest_class() -> None:
    logits = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(20) % 3
    by_logits, by_label = UF1(3), UF1(3)
    by_logits.update(logits, targets)
    by_label.update(logits.argmax(1), targets)
    assert torch.equal(by_logits.confusion, by_label.confusion)
    assert by_logits.confusion.sum() == 20


def test_reset_forgets_what_was_seen() -> None:
    metric = UAR(3)
    metric.update(torch.tensor([1, 1]), torch.tensor([0, 0]))
    metric.reset()
    metric.update(torch.tensor([1]), torch.tensor([1]))
    assert metric.compute() == 1


def test_call_scores_its_batch_and_keeps_the_pool() -> None:
    metric = PooledScore(3, accuracy)
    assert [metric(*batch).item() for batch in BATCHES] == [0.75, 0.5]
    assert metric.compute().item() == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("predictions", "targets"), [([3], [0]), ([0], [-1]), ([0, 1], [0])], ids=["prediction", "target", "length"]
)
def test_class_number_outside_the_classes_is_refused(predictions: list[int], targets: list[int]) -> None:
    metric = UF1(3)
    with pytest.raises(MerError, match=r"class numbers|equal length"):
        metric.update(torch.tensor(predictions), torch.tensor(targets))
    assert metric.confusion.sum() == 0


def faces(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """True points ``(B, 68, 2)`` and points beside them."""
    torch.manual_seed(seed)
    truth = 100 * torch.rand(count, 68, 2)
    return truth + torch.randn(count, 68, 2), truth


def test_landmark_error_is_the_mean_over_faces_not_over_batches() -> None:
    metric, batches = MeanLandmarkError(), (faces(5, 0), faces(1, 1))
    for found, truth in batches:
        metric.update(found, truth)
    errors = [error for found, truth in batches for error in mean_landmark_error(truth, found)]
    assert metric.compute().item() == pytest.approx(sum(errors) / 6, rel=1e-6)


def test_landmark_error_is_normalised_by_the_true_box() -> None:
    truth = torch.tensor([[[0.0, 0.0], [8.0, 0.0], [8.0, 2.0], [0.0, 2.0]]])
    metric = MeanLandmarkError()
    metric.update(2 * truth, truth)
    distances = torch.linalg.norm(truth, dim=-1).mean() / 4  # each point is moved by its distance from 0
    assert metric.compute().item() == pytest.approx(distances.item())


def test_landmark_error_of_no_face_is_undefined_and_reset_forgets() -> None:
    metric = MeanLandmarkError()
    metric.update(*faces(3, 0))
    metric.reset()
    assert metric.faces == 0
    with pytest.warns(UserWarning, match="was called before"):
        assert torch.isnan(metric.compute())


def test_landmarks_of_another_shape_are_refused_by_the_metric_and_not_counted() -> None:
    metric = MeanLandmarkError()
    with pytest.raises(MerError, match=r"two arrays \(B, N, 2\)"):
        metric.update(torch.zeros(1, 67, 2), torch.zeros(1, 68, 2))
    assert metric.faces == 0


def test_examples_of_the_docstrings_hold() -> None:
    results = doctest.testmod(modules)
    assert results.attempted > 0
    assert results.failed == 0
