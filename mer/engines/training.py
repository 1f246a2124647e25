"""What every engine is given and gives back."""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from mer.datamodule import ClipDataset
from mer.features.inputs import ClipInputs
from mer.fingerprint import seed_from
from mer.protocols.folds import Fold
from mer.recognition import MicroExpressionModule

OnEpoch = Callable[[int, int], None]
Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Training:
    """All that decides how a fold is trained, the same for every engine.

    Attributes:
        clips: all prepared clips, on the device where the network runs.
        build_module: the training clips of a fold -> a fresh module, which learns nothing from others.
        build_inputs: maps of clips -> what makes their inputs.
        build_trainer: settings beyond ``trainer_settings`` -> a fresh Trainer.
        trainer_settings: the configuration's ``trainer``.
        batch_size: clips a batch.
        seed: the run's seed; each fold derives its own from it and its name.
        watch_test: evaluate the test clips after each epoch as well, for the figure that leaks.
    """

    clips: ClipDataset
    build_module: Callable[[ClipDataset], MicroExpressionModule]
    build_inputs: Callable[[ClipDataset], ClipInputs]
    build_trainer: Callable[..., pl.Trainer]
    trainer_settings: Mapping[str, Any]
    batch_size: int
    seed: int
    watch_test: bool = False

    @functools.cached_property
    def inputs(self) -> ClipInputs:
        """The inputs of all clips; each clip's depend on itself alone."""
        with torch.no_grad():
            return self.build_inputs(self.clips)

    def fresh_module(self, fold: Fold) -> MicroExpressionModule:
        """The module that ``fold`` begins with, whichever folds were trained before."""
        pl.seed_everything(self.fold_seed(fold), workers=True, verbose=False)
        return self.build_module(self.clips.subset(fold.train))

    def fold_seed(self, fold: Fold) -> int:
        """The seed of a fold, alone or among others."""
        return seed_from(self.seed, fold.subject)


@dataclass(frozen=True)
class TrainedFold:
    """A fold's result, on the CPU.

    Attributes:
        fold: the fold.
        seed: that it was trained with.
        probabilities: ``(N, C)`` of its test clips after the last epoch.
        history: an (epoch, train_loss, train_accuracy) an epoch.
        weights: the network's state.
        seconds: its share of the time spent.
        watched: ``(E, N, C)`` test probabilities after each epoch, where they were asked for.
    """

    fold: Fold
    seed: int
    probabilities: Probabilities
    history: list[tuple[int, float, float]]
    weights: dict[str, Tensor]
    seconds: float
    watched: Probabilities | None = None

    @property
    def diverged(self) -> str | None:
        """Where the training left the numbers: ``loss of epoch 3`` or ``predictions``; None where it did not."""
        lost = [epoch for epoch, loss, _ in self.history if not math.isfinite(loss)]
        if lost:
            return f"loss of epoch {lost[0]}"
        return None if np.isfinite(self.probabilities).all() else "predictions"


class Engine(Protocol):
    """Trains folds."""

    def next_folds(self, missing: Sequence[Fold], training: Training) -> list[Fold]:
        """Those of ``missing`` that are trained next, together."""
        ...

    def train(self, folds: Sequence[Fold], training: Training, on_epoch: OnEpoch) -> Iterator[TrainedFold]:
        """Train ``folds``, as :meth:`next_folds` chose them; a fold is handed out as soon as it is done."""
        ...


class FoldDraws:
    """A fold's own sources of chance, so that it draws alone what it draws among others.

    Order and augmentation are drawn on the CPU, dropout on ``device``.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.order, self.augment = (
            torch.Generator().manual_seed(seed_from(seed, name)) for name in ("order", "augment")
        )
        self.dropout = torch.Generator(device).manual_seed(seed_from(seed, "dropout"))


def fold_probabilities(
    module: MicroExpressionModule, trainer: pl.Trainer, fold: Fold, training: Training
) -> Probabilities:
    """``(N, C)`` class probabilities of a fold's test clips, in the Trainer's precision."""
    device = training.clips.targets.device
    net, was_training = module.net.to(device), module.net.training
    net.eval()
    batches = torch.split(torch.as_tensor(fold.test), training.batch_size)
    with torch.no_grad(), trainer.precision_plugin.forward_context():
        inputs = (trainer.precision_plugin.convert_input(training.inputs.plain(rows)) for rows in batches)
        parts = [net(*maps).float().softmax(dim=-1) for maps in inputs]
    net.train(was_training)
    return np.asarray(torch.cat(parts).cpu().numpy())
