"""Learning rates that change from epoch to epoch, mirror images averaged, fields shifted: the same in every engine."""

import itertools
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from mer.engines import ParallelEngine, SequentialEngine, StackedEngine, Training
from mer.errors import MerError
from mer.features import BranchFeatures, FieldAugment
from mer.features.augment import flip_maps
from mer.protocols.folds import Fold
from tests.engines.toys import EPOCHS, SIZE_PX, check_equal, clips, folds, train, training

ONE_CYCLE = partial(lr_scheduler.OneCycleLR, max_lr=1e-2, total_steps=EPOCHS)
STEP = partial(lr_scheduler.StepLR, step_size=1, gamma=0.01)


def scheduled(scheduler: Any, **more: Any) -> Training:
    return training(recognition={"scheduler": scheduler}, **more)


def alike() -> list[Fold]:
    """Three folds of as many batches an epoch: 26, 27 and 26 training clips in fours."""
    return folds((4, 3, 4))


@pytest.mark.parametrize("scheduler", [ONE_CYCLE, STEP])
def test_a_stack_follows_the_rates_that_a_fold_alone_has(scheduler: Any) -> None:
    how = scheduled(scheduler, precision="64-true")
    stacked = train(StackedEngine(folds=3), alike(), how)
    assert len(stacked) == 3
    for subject, expected in train(SequentialEngine(), alike(), how).items():
        check_equal(stacked[subject], expected, tolerance=1e-6)


@pytest.mark.slow
def test_workers_follow_the_same_rates_and_shifts() -> None:
    augment = FieldAugment(shift=0.1)
    which, how = folds()[:2], training(recognition={"scheduler": STEP, "flip_average": True}, augment=augment)
    parallel = train(ParallelEngine(workers=1), which, how)
    for subject, expected in train(SequentialEngine(), which, how).items():
        check_equal(parallel[subject], expected)


def test_each_epoch_has_its_own_rate() -> None:
    """Rates of 1e-2, 1e-4 and 1e-6: what the second and third epoch change is a hundredth and less of the first's."""
    fold = alike()[:1]
    after = [
        next(iter(train(SequentialEngine(), fold, scheduled(STEP, max_epochs=epochs)).values())).weights
        for epochs in (1, 2, 3)
    ]
    moved = [(later["head.weight"] - before["head.weight"]).abs().max() for before, later in itertools.pairwise(after)]
    assert 1e-5 < moved[0] < 2e-3
    assert moved[1] < moved[0] / 20


def test_folds_of_another_number_of_steps_wait_for_the_next_stack() -> None:
    which = folds()
    assert len(StackedEngine(folds=4).next_folds(which, training())) == 4
    chosen = StackedEngine(folds=4).next_folds(which, scheduled(STEP))  # of 27, 26, 25 and 22 clips in fours
    assert [fold.subject for fold in chosen] == ["toy-s1", "toy-s3"]
    others = [fold for fold in which if fold.subject in ("toy-s0", "toy-s2")]
    assert [fold.subject for fold in StackedEngine(folds=4).next_folds(others, scheduled(STEP))] == ["toy-s0", "toy-s2"]
    with pytest.raises(MerError, match=r"one number of steps.*engine=sequential"):
        train(StackedEngine(folds=4), which, scheduled(STEP))


@pytest.mark.parametrize("engine", [SequentialEngine(), StackedEngine(folds=2)])
def test_scheduler_for_fewer_epochs_is_refused_in_one_line(engine: Any) -> None:
    short = partial(lr_scheduler.OneCycleLR, max_lr=1e-2, total_steps=1)
    with pytest.raises(MerError, match=r"recognition\.scheduler for all of trainer\.max_epochs"):
        train(engine, alike()[::2], scheduled(short))


@pytest.mark.parametrize("engine", [SequentialEngine(), StackedEngine(folds=2)])
@pytest.mark.parametrize(
    ("scheduler", "said"),
    [
        (partial(lr_scheduler.ReduceLROnPlateau), r"goes by the epoch alone; got ReduceLROnPlateau"),
        (partial(lr_scheduler.OneCycleLR, max_lr=1e-2), r"settings of recognition\.scheduler"),
    ],
)
def test_scheduler_that_cannot_be_followed_is_refused_in_one_line(engine: Any, scheduler: Any, said: str) -> None:
    with pytest.raises(MerError, match=said):
        train(engine, alike()[::2], scheduled(scheduler))


@pytest.mark.parametrize("engine", [SequentialEngine(), StackedEngine(folds=2)])
def test_mirror_images_are_averaged_into_the_prediction(engine: Any) -> None:
    which = alike()[:1]
    plain, averaged = (
        train(engine, which, training(recognition={"flip_average": flip}, watch_test=True))["toy-s0"]
        for flip in (False, True)
    )
    for name, value in plain.weights.items():
        torch.testing.assert_close(averaged.weights[name], value, rtol=0, atol=0)
    module = training().fresh_module(which[0]).eval()
    module.net.load_state_dict(averaged.weights)
    maps, features = clips().maps.select(which[0].test.tolist()), BranchFeatures(size=SIZE_PX)
    with torch.no_grad():
        ours, mirrored = (module.net(*features(one)).softmax(-1).numpy() for one in (maps, flip_maps(maps)))
    np.testing.assert_allclose(plain.probabilities, ours, atol=1e-5)
    np.testing.assert_allclose(averaged.probabilities, (ours + mirrored) / 2, atol=1e-5)
    np.testing.assert_array_equal(averaged.watched[-1], averaged.probabilities)
    assert np.abs(ours - mirrored).max() > 1e-3


def test_shifted_and_turned_fields_are_the_same_in_a_stack_and_alone() -> None:
    augment = FieldAugment(blur=0.5, shift=0.1, rotate_deg=10, zoom=0.1, stretch=0.3, cutout=0.3)
    which, how = folds(), training(augment=augment, precision="64-true")
    stacked = train(StackedEngine(folds=4), which, how)
    for subject, expected in train(SequentialEngine(), which, how).items():
        check_equal(stacked[subject], expected, tolerance=1e-6)
    other = train(SequentialEngine(), which[:1], training(precision="64-true"))["toy-s0"]
    assert np.abs(np.subtract(other.history, stacked["toy-s0"].history)).max() > 1e-2
