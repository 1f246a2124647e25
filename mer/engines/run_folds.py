"""The one place where folds are listed, handed to an engine, kept and pooled, whichever engine trains them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.torch import save_file

from mer.claims import Alone, Claiming, share_out
from mer.engines.training import Engine, OnEpoch, TrainedFold, Training
from mer.files import atomic_folder, safe_name
from mer.metrics import accuracy, confusion_matrix, summarise, uar, uf1
from mer.predictions import class_numbers, predictions_table, read_predictions, write_predictions
from mer.protocols.folds import Fold
from mer.runs import DIVERGED

OnFold = Callable[[Fold, Path, bool], None]
LEAKY = "leaky_best_epoch_on_test"  # the figure's name wherever it is kept or shown


@dataclass(frozen=True)
class PooledFolds:
    """What all folds together gave: the predictions of all clips in the index's order, and the seconds spent.

    ``leaky`` pools the epochs that were best on each fold's own test clips, where every fold has one; ``diverged`` says
    of each fold whose training left the numbers where it did, ``seeds`` the seed of each.
    """

    predictions: pd.DataFrame
    seconds: float
    leaky: pd.DataFrame | None = None
    diverged: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)


def run_folds(
    engine: Engine,
    training: Training,
    clips: pd.DataFrame,
    classes: Sequence[str],
    folds: Sequence[Fold],
    root: Path,
    on_fold: OnFold,
    on_epoch: OnEpoch,
    claims: Claiming | None = None,
) -> PooledFolds:
    """Train the folds that ``root`` does not hold yet, each kept whole as soon as it is done, and pool all.

    Args:
        engine: trains them.
        training: how.
        clips: rows of the clip index.
        classes: names of the classes.
        folds: all of the protocol's.
        root: ``<run>/folds``, one folder a fold.
        on_fold: told of each fold once: found complete, or trained.
        on_epoch: told of the progress of those in hand.
        claims: who trains which; by default this process all.
    """
    untold = {fold.subject: fold for fold in folds}
    by_name = dict(untold)

    def tell(names: Iterable[str], is_new: bool) -> None:
        for fold in [untold.pop(name) for name in names]:
            on_fold(fold, fold_folder(root, fold), is_new)

    def is_kept(name: str) -> bool:
        return fold_folder(root, by_name[name]).is_dir()

    def next_names(free: Sequence[str]) -> list[str]:
        return [fold.subject for fold in engine.next_folds([by_name[name] for name in free], training)]

    tell([name for name in untold if is_kept(name)], is_new=False)
    for names in share_out(list(by_name), is_kept, claims or Alone(), next_names):
        for trained in engine.train([by_name[name] for name in names], training, on_epoch):
            if not is_kept(trained.fold.subject):  # by one who took it over while this process was stopped
                write_fold(trained, clips, classes, fold_folder(root, trained.fold))
            tell([trained.fold.subject], is_new=True)
    tell(list(untold), is_new=False)
    return pool(folds, root)


def fold_folder(root: Path, fold: Fold) -> Path:
    """Where a fold is kept."""
    return root / safe_name(fold.subject)


def write_fold(trained: TrainedFold, clips: pd.DataFrame, classes: Sequence[str], folder: Path) -> None:
    """Keep a fold, whole or not at all: predictions, weights, an epoch a row of metrics.csv, metrics.json."""
    with atomic_folder(folder) as part:
        test = clips.iloc[trained.fold.test]
        table = predictions_table(test, trained.probabilities, classes)
        write_predictions(table, part / "predictions.csv")
        epochs = pd.DataFrame(trained.history, columns=["epoch", "train_loss", "train_accuracy"])
        epochs.to_csv(part / "metrics.csv", index=False)
        save_file(trained.weights, part / "model.safetensors")
        scores = summarise(confusion_matrix(*class_numbers(table, classes), len(classes)), classes)
        report = scores | {"subject": trained.fold.subject, "seed": trained.seed, "seconds": trained.seconds}
        if trained.diverged is not None:
            report[DIVERGED] = trained.diverged
        if trained.watched is not None:
            tables = [predictions_table(test, epoch, classes) for epoch in trained.watched]
            best = max(range(len(tables)), key=lambda epoch: _accuracy(tables[epoch], classes))
            write_predictions(tables[best], part / f"{LEAKY}.csv")
            report[LEAKY] = {"epoch": best, "accuracy": _accuracy(tables[best], classes)}
        (part / "metrics.json").write_text(json.dumps(report, indent=2))


def pool(folds: Sequence[Fold], root: Path) -> PooledFolds:
    """Put the kept folds together."""
    folders = [fold_folder(root, fold) for fold in folds]
    kept = [json.loads((folder / "metrics.json").read_text()) for folder in folders]
    seconds = sum(float(one["seconds"]) for one in kept)
    diverged = {str(one["subject"]): str(one[DIVERGED]) for one in kept if DIVERGED in one}
    seeds = {str(one["subject"]): int(one["seed"]) for one in kept}
    rows = np.concatenate([fold.test for fold in folds])
    leaky = None
    if all((folder / f"{LEAKY}.csv").is_file() for folder in folders):
        leaky = _pool(folders, rows, f"{LEAKY}.csv")
    return PooledFolds(_pool(folders, rows, "predictions.csv"), seconds, leaky, diverged, seeds)


def leaky_scores(predictions: pd.DataFrame, classes: Sequence[str]) -> dict[str, float]:
    """Pooled scores of the epochs that were best on the test clips: what choosing by the test set pretends."""
    confusion = confusion_matrix(*class_numbers(predictions, classes), len(classes))
    return {"accuracy": accuracy(confusion), "uf1": uf1(confusion), "uar": uar(confusion)}


def _pool(folders: Sequence[Path], rows: NDArray[np.intp], name: str) -> pd.DataFrame:
    tables = [read_predictions(folder / name) for folder in folders]
    pooled = pd.concat(tables, ignore_index=True).iloc[np.argsort(rows, kind="stable")]
    return pooled.reset_index(drop=True)


def _accuracy(table: pd.DataFrame, classes: Sequence[str]) -> float:
    return accuracy(confusion_matrix(*class_numbers(table, classes), len(classes)))
