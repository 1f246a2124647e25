"""Trains the folds of a protocol in turn; a fold that is complete is never trained again."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import CSVLogger, Logger
from safetensors.torch import save_file

from mer.datamodule import ClipDataset, LOSODataModule
from mer.files import atomic_folder, safe_name
from mer.fingerprint import seed_from
from mer.metrics import confusion_matrix, summarise
from mer.predictions import class_numbers, predictions_table, read_predictions, write_predictions
from mer.protocols.folds import Fold
from mer.recognition import MicroExpressionModule

BuildModule = Callable[[ClipDataset], MicroExpressionModule]
BuildTrainer = Callable[[Logger | bool], pl.Trainer]


@dataclass(frozen=True)
class SequentialEngine:
    """One Lightning fit a fold, one after another.

    Attributes:
        build_module: a fresh module, told the training clips alone.
        build_trainer: a fresh Trainer for a logger.
        batch_size: clips a batch.
        seed: the run's seed; each fold derives its own from it and its subject.
    """

    build_module: BuildModule
    build_trainer: BuildTrainer
    batch_size: int
    seed: int

    def run(self, clips: pd.DataFrame, data: ClipDataset, classes: Sequence[str], folds: Sequence[Fold], root: Path,
            on_fold: Callable[[Fold, bool], None]) -> tuple[pd.DataFrame, float]:  # fmt: skip
        """Train what is missing under ``root``/<subject>. Returns the pooled predictions and the seconds spent."""
        tables, seconds = [], 0.0
        for fold in folds:
            folder = root / safe_name(fold.subject)
            is_new = not folder.is_dir()
            if is_new:
                self._train(fold, clips, data, classes, folder)
            tables.append(read_predictions(folder / "predictions.csv"))
            seconds += float(json.loads((folder / "metrics.json").read_text())["seconds"])
            on_fold(fold, is_new)
        rows = np.concatenate([fold.test for fold in folds])
        pooled = pd.concat(tables, ignore_index=True).iloc[np.argsort(rows, kind="stable")]
        return pooled.reset_index(drop=True), seconds

    def _train(self, fold: Fold, clips: pd.DataFrame, data: ClipDataset, classes: Sequence[str], folder: Path) -> None:
        with atomic_folder(folder) as part:
            start = time.perf_counter()
            seed = seed_from(self.seed, fold.subject)
            pl.seed_everything(seed, workers=True, verbose=False)
            datamodule = LOSODataModule(data, fold, self.batch_size, seed)
            module = self.build_module(datamodule.train_clips)
            trainer = self.build_trainer(CSVLogger(str(part), name="", version="", flush_logs_every_n_steps=10_000))
            _fit(trainer, module, datamodule)
            batches: Any = trainer.predict(module, datamodule=datamodule)
            table = predictions_table(clips.iloc[fold.test], torch.cat(batches).cpu().numpy(), classes)
            write_predictions(table, part / "predictions.csv")
            save_file({name: value.contiguous() for name, value in module.net.state_dict().items()},
                      part / "model.safetensors")  # fmt: skip
            scores = summarise(confusion_matrix(*class_numbers(table, classes), len(classes)), classes)
            report = scores | {"subject": fold.subject, "seed": seed, "seconds": time.perf_counter() - start}
            (part / "metrics.json").write_text(json.dumps(report, indent=2))


def _fit(trainer: pl.Trainer, module: MicroExpressionModule, datamodule: LOSODataModule) -> None:
    try:
        trainer.fit(module, datamodule=datamodule)
    except SystemExit as stop:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from stop
    if trainer.interrupted:  # a fold cut short is no fold
        raise KeyboardInterrupt
