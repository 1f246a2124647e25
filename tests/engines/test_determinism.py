"""The same seed on the same machine with the same threads gives the same bits, whichever engine trains."""

from typing import Any

import numpy as np
import pytest
import torch

from mer.engines import ParallelEngine, SequentialEngine, StackedEngine
from tests.engines.toys import build_trainer, folds, train, training

ENGINES = {
    "sequential": SequentialEngine,
    "stacked": lambda: StackedEngine(folds=2),
    "parallel": lambda: ParallelEngine(workers=2),
}


def check_same_bits(one: Any, other: Any) -> None:
    assert one.keys() == other.keys()
    for name, fold in one.items():
        np.testing.assert_array_equal(fold.probabilities, other[name].probabilities)
        assert fold.history == other[name].history
        for weight, value in fold.weights.items():
            assert torch.equal(value, other[name].weights[weight])


@pytest.mark.parametrize("engine", ["sequential", "stacked", pytest.param("parallel", marks=pytest.mark.slow)])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_two_runs_are_equal_bit_for_bit(engine: str, precision: str) -> None:
    how = training(precision=precision, deterministic="warn", max_epochs=2)
    once, again = (train(ENGINES[engine](), folds()[:2], how) for _ in range(2))
    check_same_bits(once, again)


def test_fold_is_the_same_whatever_was_drawn_and_trained_before() -> None:
    which, how = folds()[:2], training(max_epochs=1)
    first = train(SequentialEngine(), which, how)
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002 - what a network of someone else's may draw from
    last = train(SequentialEngine(), which[::-1], how)
    check_same_bits(first, last)


def test_another_seed_is_another_run() -> None:
    """The comparisons above would hold for engines that draw nothing at all."""
    import dataclasses

    how = training(max_epochs=1)
    one = train(SequentialEngine(), folds()[:1], how)
    other = train(SequentialEngine(), folds()[:1], dataclasses.replace(how, seed=8))
    assert not np.array_equal(one["toy-s0"].probabilities, other["toy-s0"].probabilities)


def test_trainer_asks_for_deterministic_kernels_and_no_search_for_fast_ones() -> None:
    torch.use_deterministic_algorithms(False)
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        build_trainer({"accelerator": "cpu", "deterministic": "warn"})
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.backends.cudnn.benchmark is False
    finally:
        torch.backends.cudnn.benchmark = before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("engine", ["sequential", "stacked"])
def test_gpu_gives_nearly_the_same_twice(engine: str) -> None:
    """Adaptive pooling has no deterministic gradient there: within what that grows to, not bit for bit."""
    from tests.engines.toys import clips

    how = training("ststnet", clips(device="cuda"), accelerator="gpu", devices=1, deterministic="warn")
    once, again = (train(ENGINES[engine](), folds()[:2], how) for _ in range(2))
    for name, fold in once.items():
        np.testing.assert_allclose(fold.probabilities, again[name].probabilities, atol=1e-3)
