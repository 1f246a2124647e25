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
from pytorch_lightning.loggers import Logger
from safetensors.torch import save_file

from mer.claims import Claiming, share_out
from mer.datamodule import ClipDataset, LOSODataModule
from mer.files import atomic_folder, safe_name
from mer.fingerprint import seed_from
from mer.metrics import confusion_matrix, summarise
from mer.predictions import class_numbers, predictions_table, read_predictions, write_predictions
from mer.protocols.folds import Fold
from mer.recognition import MicroExpressionModule

BuildModule = Callable[[ClipDataset], MicroExpressionModule]
BuildTrainer = Callable[[Logger | bool], pl.Trainer]
BuildLogger = Callable[[Path, Fold], Logger | bool]


@dataclass(frozen=True)
class SequentialEngine:
    """One Lightning fit a fold, one after another.

    Attributes:
        build_module: a fresh module, told the training clips alone.
        build_trainer: a fresh Trainer for a logger.
        build_logger: the fold's logger, writing into the folder given.
        batch_size: clips a batch.
        seed: the run's seed; each fold derives its own from it and its subject.
    """

    build_module: BuildModule
    build_trainer: BuildTrainer
    build_logger: BuildLogger
    batch_size: int
    seed: int

    def run(self, clips: pd.DataFrame, data: ClipDataset, classes: Sequence[str], folds: Sequence[Fold], root: Path,
            on_fold: Callable[[Fold, bool], None], claims: Claiming) -> tuple[pd.DataFrame, float]:  # fmt: skip
        """Train what is missing under ``root``/<subject>. Returns the pooled predictions and the seconds spent."""
        by_subject = {fold.subject: fold for fold in folds}
        complete = [fold.subject for fold in folds if _folder(root, fold.subject).is_dir()]
        for subject in complete:
            on_fold(by_subject[subject], False)
        for subjects in share_out(list(by_subject), lambda subject: _folder(root, subject).is_dir(), claims):
            for subject in subjects:
                self._train(by_subject[subject], clips, data, classes, _folder(root, subject))
                on_fold(by_subject[subject], True)
        tables, seconds = [], 0.0
        for fold in folds:
            folder = _folder(root, fold.subject)
            tables.append(read_predictions(folder / "predictions.csv"))
            seconds += float(json.loads((folder / "metrics.json").read_text())["seconds"])
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
            trainer = self.build_trainer(self.build_logger(part, fold))
            _fit(trainer, module, datamodule)
            batches: Any = trainer.predict(module, datamodule=datamodule)
            table = predictions_table(clips.iloc[fold.test], torch.cat(batches).cpu().numpy(), classes)
            write_predictions(table, part / "predictions.csv")
            save_file({name: value.contiguous() for name, value in module.net.state_dict().items()},
                      part / "model.safetensors")  # fmt: skip
            scores = summarise(confusion_matrix(*class_numbers(table, classes), len(classes)), classes)
            report = scores | {"subject": fold.subject, "seed": seed, "seconds": time.perf_counter() - start}
            (part / "metrics.json").write_text(json.dumps(report, indent=2))


def _folder(root: Path, subject: str) -> Path:
    return root / safe_name(subject)


def _fit(trainer: pl.Trainer, module: MicroExpressionModule, datamodule: LOSODataModule) -> None:
    try:
        trainer.fit(module, datamodule=datamodule)
    except SystemExit as stop:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from stop
    if trainer.interrupted:  # a fold cut short is no fold
        raise KeyboardInterrupt
