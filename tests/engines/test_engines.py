"""All engines train the same folds to the same end: float32, within 2e-3 after three epochs of a large lr."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mer.datamodule import ClipDataset
from mer.engines import Engine, ParallelEngine, SequentialEngine, StackedEngine, TrainedFold, Training, parallel
from mer.engines.parallel import work
from mer.errors import MerError
from mer.flow import FlowMaps
from mer.models import DualBranchNet
from mer.protocols.folds import Fold
from tests.engines.toys import EPOCHS, check_equal, clips, folds, silent, train, training

NETS = ["dual", "ststnet"]


@pytest.fixture(scope="module", params=NETS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def alone(name: str) -> dict[str, TrainedFold]:
    """What `engine=sequential` makes of each fold."""
    return train(SequentialEngine(), folds(), training(name, watch_test=True))


def test_folds_of_unequal_length_stack_to_the_same_end(name: str, alone: dict[str, TrainedFold]) -> None:
    stacked = train(StackedEngine(folds=4), folds(), training(name, watch_test=True))
    assert sorted(stacked) == sorted(alone)
    for subject, expected in alone.items():
        check_equal(stacked[subject], expected)
        np.testing.assert_allclose(stacked[subject].watched, expected.watched, rtol=2e-3, atol=2e-3)
        np.testing.assert_array_equal(expected.watched[-1], expected.probabilities)
        assert len(expected.watched) == EPOCHS


def test_in_double_precision_a_stack_agrees_to_the_last_digits(name: str) -> None:
    how = training(name, precision="64-true")
    stacked = train(StackedEngine(folds=4), folds(), how)
    for subject, expected in train(SequentialEngine(), folds(), how).items():
        np.testing.assert_allclose(stacked[subject].history, expected.history, rtol=1e-9)
        np.testing.assert_allclose(stacked[subject].probabilities, expected.probabilities, rtol=1e-6)


def test_a_fold_that_is_done_long_before_the_others_stays_as_it_was() -> None:
    which, how = folds((2, 18)), training("ststnet", watch_test=True, precision="64-true")
    stacked = train(StackedEngine(folds=2), which, how)
    for subject, expected in train(SequentialEngine(), which, how).items():
        check_equal(stacked[subject], expected, 1e-6)
        assert len(stacked[subject].watched) == EPOCHS


@pytest.mark.parametrize("engine", [SequentialEngine, StackedEngine])
def test_channels_innermost_change_nothing_and_are_refused_where_torch_fails(engine: Any) -> None:
    which = folds()[:2]
    innermost = train(engine(channels_last=True), which, training("ststnet"))
    for subject, expected in train(SequentialEngine(), which, training("ststnet")).items():
        check_equal(innermost[subject], expected)
    with pytest.raises(MerError, match=r"engine\.channels_last=false"):
        train(engine(channels_last=True), which, training("dual"))


def test_a_fold_alone_is_the_fold_of_a_stack(name: str, alone: dict[str, TrainedFold]) -> None:
    (fold,) = [one for one in folds() if one.subject == "toy-s2"]
    (trained,) = train(StackedEngine(folds=1), [fold], training(name)).values()
    check_equal(trained, alone["toy-s2"])


def test_processes_give_what_one_gives(alone: dict[str, TrainedFold], name: str) -> None:
    if name != "dual":
        pytest.skip("what a process is given does not depend on the network")
    parallel = train(ParallelEngine(workers=2), folds(), training(name))
    assert sorted(parallel) == sorted(alone)
    for subject, expected in alone.items():
        check_equal(parallel[subject], expected)


def test_folds_differ(alone: dict[str, TrainedFold]) -> None:
    """The comparisons above would not see folds that are mixed up if all folds were alike."""
    first, second = alone["toy-s0"], alone["toy-s1"]
    assert first.seed != second.seed
    assert np.abs(np.subtract(first.history, second.history)).max() > 0.05
    assert [len(alone[f"toy-s{number}"].probabilities) for number in range(4)] == [5, 3, 8, 4]


def test_training_lowers_the_loss(alone: dict[str, TrainedFold]) -> None:
    losses = np.array([trained.history for trained in alone.values()])[:, :, 1]
    assert (losses[:, -1] < losses[:, 0]).mean() > 0.5


def broken(dataset: ClipDataset, rows: Sequence[int]) -> ClipDataset:
    flow = dataset.maps.flow.clone()
    flow[list(rows)] = torch.nan
    return ClipDataset(FlowMaps(flow), dataset.targets)


def test_a_fold_that_diverges_leaves_its_neighbours_alone(name: str) -> None:
    """NaN in the test clips of a fold spoils every fold but that one."""
    which = folds()
    dataset = broken(clips(), which[2].test)
    stacked = train(StackedEngine(folds=4), which, training(name, dataset))
    (expected,) = train(SequentialEngine(), [which[2]], training(name, dataset)).values()
    for subject, trained in stacked.items():
        losses = np.array(trained.history)[:, 1]
        assert np.isfinite(losses).all() if subject == "toy-s2" else np.isnan(losses[-1])
    np.testing.assert_allclose(stacked["toy-s2"].history, expected.history, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize(
    "optimizer",
    [partial(torch.optim.SGD, lr=0.05, momentum=0.9), partial(torch.optim.AdamW, lr=1e-2, weight_decay=0.1)],
)
def test_elementwise_optimizers_do_not_mix_folds(optimizer: Any) -> None:
    which, how = folds()[:2], training(optimizer=optimizer)
    stacked = train(StackedEngine(folds=2), which, how)
    for subject, expected in train(SequentialEngine(), which, how).items():
        check_equal(stacked[subject], expected)


def test_an_optimizer_that_would_mix_folds_is_refused() -> None:
    with pytest.raises(MerError, match=r"elementwise optimizer.*LBFGS.*engine=sequential"):
        train(StackedEngine(), folds(), training(optimizer=partial(torch.optim.LBFGS, lr=0.1)))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("gradient_clip_val", 1.0), ("accumulate_grad_batches", 2), ("max_steps", 5), ("precision", "16-mixed")],
)
def test_trainer_setting_that_a_stack_cannot_honour_is_refused(setting: str, value: object) -> None:
    with pytest.raises(MerError, match=rf"trainer\.{setting}.*{value}.*engine=sequential"):
        StackedEngine().next_folds(folds(), training(**{setting: value}))


def test_stack_without_epochs_is_refused() -> None:
    with pytest.raises(MerError, match=r"trainer\.max_epochs"):
        train(StackedEngine(folds=2), folds(), training(max_epochs=-1))


@pytest.mark.parametrize("value", [0, -1, 1.5, "many"])
def test_number_of_folds_or_workers_out_of_bounds_is_refused(value: Any) -> None:
    with pytest.raises(MerError, match=r"engine\.folds"):
        StackedEngine(value)
    with pytest.raises(MerError, match=r"engine\.workers"):
        ParallelEngine(value)


def test_stack_takes_the_longest_folds_together_and_shares_evenly() -> None:
    chosen = StackedEngine(folds=3).next_folds(folds(), training())
    assert [fold.subject for fold in chosen] == ["toy-s1", "toy-s3"]


def test_bfloat16_is_the_same_in_a_stack_and_alone() -> None:
    which, how = folds()[:2], training(precision="bf16-mixed", max_epochs=1)
    stacked = train(StackedEngine(folds=2), which, how)
    for subject, expected in train(SequentialEngine(), which, how).items():
        np.testing.assert_allclose(stacked[subject].probabilities, expected.probabilities, atol=0.05)
    exact = train(StackedEngine(folds=2), which, training(max_epochs=1))
    assert any((exact[one].probabilities != stacked[one].probabilities).any() for one in exact)


class Deadly(SequentialEngine):
    """Dies with the second fold, as where the memory is used up."""

    def train(self, folds: Sequence[Fold], training: Training, on_epoch: Any) -> Any:
        if folds[0].subject == "toy-s1":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().train(folds, training, on_epoch)


class Refusing(SequentialEngine):
    """Meets a user's error."""

    def train(self, folds: Sequence[Fold], training: Training, on_epoch: Any) -> Any:
        raise MerError("this", "that", "do so")


def test_a_workers_death_is_one_line_and_keeps_what_is_done() -> None:
    done = []
    with pytest.raises(MerError, match=r"exit code -9.*toy-s1 in hand.*to go on"):  # noqa: PT012
        for trained in ParallelEngine(workers=1, each=Deadly()).train(folds(), training(), silent):
            done.append(trained.fold.subject)  # noqa: PERF401
    assert done == ["toy-s0"]


def test_a_worker_hands_back_a_users_error_in_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((signal, "signal"), (torch, "set_num_threads")):
        monkeypatch.setattr(module, name, lambda *_: None)
    ours, theirs = multiprocessing.Pipe()
    ours.send(folds()[:1])
    work(theirs, Refusing(), training(), 1)
    answer = ours.recv()
    assert isinstance(answer, MerError)
    assert str(answer) == "expected this; got that; do so"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_stacks_to_the_end_that_it_reaches_alone(name: str) -> None:
    how = training(name, clips(device="cuda"), accelerator="gpu", devices=1)
    stacked = train(StackedEngine(), folds(), how)
    for subject, expected in train(SequentialEngine(), folds(), how).items():
        check_equal(stacked[subject], expected, tolerance=5e-3)


def test_losses_are_torchs_cross_entropy_of_each_folds_own_clips() -> None:
    from mer.engines.stack_module import fold_losses

    torch.manual_seed(0)
    logits, targets = torch.randn(5, 3, 4, requires_grad=True), torch.randint(4, (5, 3))
    weights, sizes = torch.rand(3, 4), [5, 2, 3]
    mask = (torch.arange(5)[:, None] < torch.tensor(sizes)).float()
    for class_weights in (None, weights):
        for smoothing in (0.0, 0.2):
            losses = fold_losses(logits, targets, class_weights, smoothing, mask)
            expected = [
                torch.nn.functional.cross_entropy(
                    logits[:size, fold], targets[:size, fold],
                    None if class_weights is None else class_weights[fold], label_smoothing=smoothing,
                )
                for fold, size in enumerate(sizes)
            ]  # fmt: skip
            torch.testing.assert_close(losses, torch.stack(expected))
            ours, theirs = (gradient(one, logits) for one in (losses.sum(), torch.stack(expected).sum()))
            torch.testing.assert_close(ours, theirs)


def gradient(loss: Tensor, of: Tensor) -> Tensor:
    return torch.autograd.grad(loss, of, retain_graph=True)[0]


def test_a_network_whose_loss_has_terms_of_its_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DualBranchNet, "training_pass", lambda net, *batch: (net(*batch[:-1]), 0.0), raising=False)
    with pytest.raises(MerError, match=r"a network with terms of its own; set engine=sequential"):
        train(StackedEngine(), folds(), training())


@pytest.mark.parametrize(("workers", "threads"), [("auto", 1), (2, 2), (1, 4), (9, 1)])
def test_a_workers_threads_do_not_depend_on_the_folds_that_are_left(
    workers: int | str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sum's last bits depend on them: the last fold of a run that goes on would be another."""
    told: list[tuple[int, int]] = []

    class Noted(parallel._Workers):
        def __init__(self, number: int, threads: int, engine: Engine, training: Training) -> None:
            told.append((number, threads))
            super().__init__(0, threads, engine, training)

    monkeypatch.setattr(parallel, "_cores", lambda: 4)
    monkeypatch.setattr(parallel, "_Workers", Noted)
    for left in (folds(), folds()[:1]):
        list(ParallelEngine(workers).train(left, training(), silent))
    assert [one for _, one in told] == [threads, threads]
    assert told[1][0] == 1
