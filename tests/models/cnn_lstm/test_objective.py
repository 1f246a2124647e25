"""The terms over expression states against closed forms and loops."""

import math

import pytest
import torch
from torch import Tensor

from mer.models.cnn_lstm.objective import StateMeans, class_spread, state_continuity, state_means, state_spread

CLASSES, STATES, HIDDEN = 3, 5, 4


def softplus(value: float) -> float:
    return math.log1p(math.exp(-abs(value))) + max(value, 0)


def squared(one: Tensor, two: Tensor) -> float:
    return float((one - two).square().sum())


@pytest.fixture
def features() -> Tensor:
    return torch.randn(7, STATES, HIDDEN, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def targets() -> Tensor:
    return torch.tensor([0, 1, 2, 0, 1, 2, 0])


def test_means_are_those_of_a_class_and_of_its_states(features: Tensor, targets: Tensor) -> None:
    means = state_means(features, targets, CLASSES)
    for number in range(CLASSES):
        torch.testing.assert_close(means.of_state[number], features[targets == number].mean(0))
        torch.testing.assert_close(means.of_class[number], features[targets == number].flatten(0, 1).mean(0))


def test_class_without_a_clip_has_finite_means(features: Tensor) -> None:
    assert state_means(features, torch.zeros(7, dtype=torch.int64), CLASSES).of_state.isfinite().all()


def test_radius_is_half_the_way_to_the_nearest_class() -> None:
    means = StateMeans(torch.tensor([[0.0, 0], [3, 4], [0, 20]]), torch.zeros(3, STATES, 2))
    torch.testing.assert_close(means.radii, torch.tensor([2.5, 2.5, math.hypot(3, 16) / 2]))


def test_frames_at_their_class_mean_leave_the_softplus_of_the_radius() -> None:
    of_class = torch.tensor([[0.0, 0], [2, 0]])
    means, targets = StateMeans(of_class, torch.zeros(2, STATES, 2)), torch.tensor([0, 1])
    at_mean = of_class[targets][:, None].expand(-1, STATES, -1)
    assert class_spread(at_mean, targets, means).item() == pytest.approx(softplus(-1) / 2)


def test_terms_are_what_loops_make_of_them(features: Tensor, targets: Tensor) -> None:
    means = state_means(features * 0.5 + 0.1, targets, CLASSES)
    radii = means.radii
    spread, tight, continuity = [], [], []
    for clip, target in zip(features, targets.tolist(), strict=True):
        for state, frame in enumerate(clip):
            of_state = means.of_state[target]
            spread.append(softplus(squared(frame, means.of_class[target]) - float(radii[target]) ** 2))
            tight.append(softplus(squared(frame, of_state[state]) - (float(radii[target]) / 2) ** 2))
            continuity += [
                softplus(squared(frame, of_state[beside]) - squared(frame, of_state[beyond]))
                for beside in range(STATES)
                for beyond in range(STATES)
                if abs(beside - state) == 1 and abs(beyond - state) > 1
            ]
    for found, wanted in (
        (class_spread(features, targets, means), spread),
        (state_spread(features, targets, means, tightness=2), tight),
        (state_continuity(features, targets, means), continuity),
    ):
        assert found.item() == pytest.approx(sum(wanted) / len(wanted) / 2)


def test_gradients_pull_frames_to_their_means(features: Tensor, targets: Tensor) -> None:
    means = state_means(features, targets, CLASSES)
    away = (features + 1).requires_grad_()
    class_spread(away, targets, means).backward()
    assert away.grad is not None
    inward = means.of_class[targets][:, None] - away.detach()
    assert (torch.cosine_similarity(-away.grad, inward, dim=-1) > 0.999).all()


def test_swapping_two_classes_changes_no_term(features: Tensor, targets: Tensor) -> None:
    swapped = torch.tensor([1, 0, 2])[targets]
    for term in (class_spread, state_spread, state_continuity):
        one = term(features, targets, state_means(features, targets, CLASSES))
        two = term(features, swapped, state_means(features, swapped, CLASSES))
        torch.testing.assert_close(one, two)
