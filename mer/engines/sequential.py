"""A Lightning fit a fold, one after another."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from mer.datamodule import LOSODataModule
from mer.engines.dropout import own_dropout
from mer.engines.heap import keep_freed_blocks
from mer.engines.layout import require_safe_channels_last
from mer.engines.training import FoldDraws, OnEpoch, Probabilities, TrainedFold, Training, fold_probabilities
from mer.protocols.folds import Fold
from mer.recognition import MicroExpressionModule


class SequentialEngine:
    """Trains one fold at a time; takes any network, optimizer and Trainer.

    Args:
        channels_last: keep activations with channels innermost, which poolings are faster with on a CPU.
    """

    def __init__(self, channels_last: bool = False) -> None:
        self._format = torch.channels_last if channels_last else torch.contiguous_format

    def next_folds(self, missing: Sequence[Fold], training: Training) -> list[Fold]:
        return list(missing[:1])

    def train(self, folds: Sequence[Fold], training: Training, on_epoch: OnEpoch) -> Iterator[TrainedFold]:
        for fold in folds:
            yield _train_one(fold, training, on_epoch, self._format)


def _train_one(fold: Fold, training: Training, on_epoch: OnEpoch, layout: torch.memory_format) -> TrainedFold:
    start = time.perf_counter()
    keep_freed_blocks()
    module = training.fresh_module(fold)
    draws = FoldDraws(training.fold_seed(fold), training.clips.targets.device)
    own_dropout(module.net, draws.dropout)
    if layout is torch.channels_last:
        require_safe_channels_last(module.net, training.clips.targets.device)
    net: Any = module.net  # torch's own annotations leave this out
    net.to(memory_format=layout)
    watch = _Epochs(fold, training, on_epoch)
    trainer = training.build_trainer(callbacks=[watch])
    data = LOSODataModule(
        training.inputs, training.clips.targets, fold, training.batch_size, draws.order, draws.augment
    )
    fit(trainer, module, data.train_dataloader())
    return TrainedFold(
        fold,
        training.fold_seed(fold),
        fold_probabilities(module, trainer, fold, training),
        module.history,
        {name: value.detach().cpu().contiguous() for name, value in module.net.state_dict().items()},
        time.perf_counter() - start,
        np.stack(watch.seen) if watch.seen else None,
    )


class _Epochs(pl.Callback):
    """Tells of each epoch and, where asked to, evaluates the test clips after it."""

    def __init__(self, fold: Fold, training: Training, on_epoch: OnEpoch) -> None:
        self._fold, self._training, self._on_epoch = fold, training, on_epoch
        self.seen: list[Probabilities] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._training.watch_test and isinstance(pl_module, MicroExpressionModule):
            self.seen.append(fold_probabilities(pl_module, trainer, self._fold, self._training))
        self._on_epoch(trainer.current_epoch + 1, int(trainer.max_epochs or 0))


def fit(trainer: pl.Trainer, module: pl.LightningModule, batches: object) -> None:
    """Fit to the end.

    Raises:
        KeyboardInterrupt: Ctrl-C, of which Lightning makes other things; a fold cut short is no fold.
    """
    try:
        trainer.fit(module, train_dataloaders=batches)
    except SystemExit as stop:
        raise KeyboardInterrupt from stop
    if trainer.interrupted:
        raise KeyboardInterrupt
