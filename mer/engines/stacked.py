"""Many folds as one network with a fold dimension."""

import math
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from mer.datamodule import batches_per_epoch
from mer.engines.layout import require_safe_channels_last
from mer.engines.sequential import fit
from mer.engines.stack import unstack
from mer.engines.stack_module import FoldStack, StackBatches
from mer.engines.training import FoldDraws, OnEpoch, Probabilities, TrainedFold, Training, fold_probabilities
from mer.errors import MerError, require_integer
from mer.protocols.folds import Fold
from mer.recognition import MicroExpressionModule, OwnTerms, build_optimizer

# What a stack honours of a Trainer; all else would mean something else for many folds at once.
_HONOURED = {
    *("_target_", "max_epochs", "accelerator", "devices", "precision", "deterministic", "benchmark", "inference_mode"),
    *("enable_checkpointing", "enable_progress_bar", "enable_model_summary", "log_every_n_steps", "logger"),
}
_PRECISIONS = ("32-true", "32", "bf16-mixed", "64-true", "64", "bf16-true")  # float16's loss scale would be shared
_OPTIMIZERS = ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD")
_CPU_BYTES = 24 * 1024**2  # of activations at once: more is slower, as it no longer fits the caches
_GPU_SHARE = 0.6  # of the free memory, for activations; gradients and work space take the rest


class StackedEngine:
    """Trains many folds at once; each draws, learns and ends as it would alone.

    Folds of similar length are put together; a killed run loses the folds in hand.

    Args:
        folds: at once; ``auto`` for what the memory holds.
        channels_last: keep activations with channels innermost, which poolings are faster with on a CPU.

    Raises:
        MerError: ``folds`` is neither ``auto`` nor a number from 1.
    """

    def __init__(self, folds: int | str = "auto", channels_last: bool = False) -> None:
        self._channels_last = channels_last
        self._folds = folds if folds == "auto" else require_integer("engine.folds", folds, 1, 100_000)

    def next_folds(self, missing: Sequence[Fold], training: Training) -> list[Fold]:
        _require_stackable(training)
        longest_first = _alike(sorted(missing, key=lambda fold: -len(fold.train)), training)
        at_once = self._folds if isinstance(self._folds, int) else _folds_at_once(longest_first[0], training)
        rounds = math.ceil(len(longest_first) / at_once)
        return longest_first[: math.ceil(len(longest_first) / rounds)]

    def train(self, folds: Sequence[Fold], training: Training, on_epoch: OnEpoch) -> Iterator[TrainedFold]:
        start = time.perf_counter()
        trainer = training.build_trainer(max_epochs=1)
        modules = [_fresh(fold, training, trainer) for fold in folds]
        _require_elementwise(modules[0])
        if isinstance(modules[0].net, OwnTerms):
            raise MerError("a loss of cross-entropy alone", "a network with terms of its own", "set engine=sequential")
        if self._channels_last:
            require_safe_channels_last(modules[0].net, training.clips.targets.device)
        device = training.clips.targets.device
        draws = [FoldDraws(training.fold_seed(fold), device) for fold in folds]
        epochs = require_integer("trainer.max_epochs", training.trainer_settings.get("max_epochs"), 1, 1_000_000)
        seen: list[list[Probabilities]] = [[] for _ in folds]
        done = iter(range(1, epochs * len(folds) + 1))

        def probabilities(fold: int, weights: dict[str, Tensor]) -> Probabilities:
            modules[fold].net.load_state_dict(weights)
            return fold_probabilities(modules[fold], trainer, folds[fold], training)

        def on_fold_epoch(fold: int) -> None:
            if training.watch_test:
                seen[fold].append(probabilities(fold, unstack(stack.net, fold)))
            on_epoch(next(done), epochs * len(folds))

        stack = FoldStack(modules, folds, training, draws, epochs, on_fold_epoch, self._channels_last)
        fit(trainer, stack, StackBatches(folds, training, draws, epochs))
        histories = stack.histories()
        last = [probabilities(number, stack.weights[number]) for number in range(len(folds))]
        seconds = (time.perf_counter() - start) / len(folds)
        for number, fold in enumerate(folds):
            weights = {name: value.cpu() for name, value in stack.weights[number].items()}
            watched = np.stack(seen[number]) if seen[number] else None
            yield TrainedFold(
                fold, training.fold_seed(fold), last[number], histories[number], weights, seconds, watched
            )


def _fresh(fold: Fold, training: Training, trainer: pl.Trainer) -> MicroExpressionModule:
    """A fold's fresh module in the Trainer's precision."""
    module = training.fresh_module(fold)
    trainer.precision_plugin.convert_module(module)
    return module


def _alike(folds: Sequence[Fold], training: Training) -> list[Fold]:
    """Those of ``folds`` that can share the first one's learning rates: all, where it is one rate throughout."""
    if training.fresh_module(folds[0]).make_scheduler is None:
        return list(folds)
    steps = [batches_per_epoch(len(fold.train), training.batch_size) for fold in folds]
    return [fold for fold, own in zip(folds, steps, strict=True) if own == steps[0]]


def _folds_at_once(fold: Fold, training: Training) -> int:
    device = training.clips.targets.device
    n_bytes = _activation_bytes(fold, training)
    if device.type == "cuda":
        return max(1, int(_GPU_SHARE * torch.cuda.mem_get_info(device)[0] / n_bytes))
    return max(1, _CPU_BYTES // n_bytes)


def _activation_bytes(fold: Fold, training: Training) -> int:
    """Bytes that a fold's forward keeps for its backward."""
    net = training.fresh_module(fold).net.to(training.clips.targets.device)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    rows = torch.as_tensor(fold.train[: training.batch_size])
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = net(*training.inputs.plain(rows)).sum()
    del loss
    return max(1, sum(kept.values()))


def _require_stackable(training: Training) -> None:
    for name, value in training.trainer_settings.items():
        if name not in _HONOURED and value not in (None, False):
            raise MerError("Trainer settings that many folds at once can share", f"trainer.{name}={value}",
                           "leave it out or set engine=sequential")  # fmt: skip
    precision = training.trainer_settings.get("precision") or "32-true"
    if str(precision) not in _PRECISIONS:
        raise MerError(f"trainer.precision of {', '.join(_PRECISIONS)}", str(precision), "or set engine=sequential")


def _require_elementwise(module: MicroExpressionModule) -> None:
    """An optimizer that looks at more than one element at a time would mix the folds."""
    optimizer = type(build_optimizer(module.make_optimizer, module.net))
    if getattr(torch.optim, optimizer.__name__, None) is not optimizer or optimizer.__name__ not in _OPTIMIZERS:
        raise MerError(f"an elementwise optimizer ({', '.join(_OPTIMIZERS)})", optimizer.__name__,
                       "choose one of them or set engine=sequential")  # fmt: skip
