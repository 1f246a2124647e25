"""predictions.csv: one row a clip, and the scores that follow from it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer.clip import subject_keys
from mer.errors import MerError
from mer.files import atomic_file
from mer.metrics import (
    accuracy,
    confusion_matrix,
    f1_of_means,
    macro_precision,
    subject_bootstrap,
    summarise,
    uar,
    uf1,
)

REQUIRED = ("dataset", "subject", "target", "prediction")
HEADLINE = {
    "accuracy": accuracy,
    "uf1": uf1,
    "uar": uar,
    "macro_precision": macro_precision,
    "f1_of_means": f1_of_means,
}
# The scores that tables and trackers show first, and their names there.
MAIN_SCORES = {"accuracy": "accuracy", "uf1": "UF1", "uar": "UAR"}
_DECIMALS = 6


def predictions_table(clips: pd.DataFrame, probabilities: NDArray[np.float32], classes: Sequence[str]) -> pd.DataFrame:
    """Rows of predictions.csv from probabilities ``(N, C)``: keys, target, prediction, one ``prob_<class>`` a class."""
    table = clips[["dataset", "subject", "clip"]].reset_index(drop=True)
    table["target"] = clips["label"].to_numpy()
    table["prediction"] = np.array(classes, dtype=object)[probabilities.argmax(axis=1)]
    for number, label in enumerate(classes):
        table[f"prob_{label}"] = probabilities[:, number].astype(np.float64).round(_DECIMALS)
    return table


def write_predictions(table: pd.DataFrame, path: Path) -> None:
    """Write predictions.csv, whole or not at all."""
    with atomic_file(path) as temporary:
        table.to_csv(temporary, index=False, float_format=f"%.{_DECIMALS}f", lineterminator="\n")


def read_predictions(path: Path) -> pd.DataFrame:
    """Read a predictions.csv, ours or another's: dataset, subject, target, prediction are needed.

    Raises:
        MerError: no such file, no table, no rows, or a column or cell is missing.
    """
    columns = ", ".join(REQUIRED)
    if not path.is_file():
        raise MerError("a predictions.csv", f"no file {path}", "give the file that `mer train` wrote")
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys([*REQUIRED, "clip"], str), keep_default_na=False)
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise MerError(f"a CSV with columns {columns}", f"{path}: {reason}", "write it again") from error
    missing = [column for column in REQUIRED if column not in table.columns]
    if missing:
        raise MerError(f"columns {columns}", f"{path} without {', '.join(missing)}", "add them")
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes surplus cells at a row's start for row names
        raise MerError("rows as long as the header", f"{path} with longer ones", "remove the surplus cells")
    if table.empty or (table[list(REQUIRED)] == "").any(axis=None):
        raise MerError(f"a value in {columns} on every row", f"{path} with none", "fill the empty cells")
    return table


def score_predictions(
    table: pd.DataFrame, classes: Sequence[str] | None = None, draws: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Pooled scores, with subject bootstrap intervals, of all rows and of each dataset's rows.

    Args:
        table: rows of predictions.csv.
        classes: the label set; default: all labels that occur, sorted.
        draws: bootstrap samples; 0 for no intervals.
        seed: of the bootstrap.

    Raises:
        MerError: a target or prediction is none of ``classes``.
    """
    found = {*table["target"], *table["prediction"]}
    labels = list(classes or sorted(found))
    if unknown := found.difference(labels):
        raise MerError(f"labels {', '.join(labels)}", ", ".join(sorted(unknown)), "map the labels or add the class")
    datasets = {str(name): _score(rows, labels, draws, seed) for name, rows in table.groupby("dataset")}
    return {"classes": labels, "pooled": _score(table, labels, draws, seed), "datasets": datasets}


def per_subject(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Clips and accuracy of each subject."""
    hits = (table["target"] == table["prediction"]).groupby(subject_keys(table))
    return {str(subject): {"clips": len(rows), "accuracy": float(rows.mean())} for subject, rows in hits}


def class_numbers(table: pd.DataFrame, classes: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers ``(N,)`` of the targets and of the predictions in ``classes``."""
    numbers = {label: number for number, label in enumerate(classes)}
    targets, predictions = (
        np.array([numbers[label] for label in table[name]], np.int64) for name in ("target", "prediction")
    )
    return targets, predictions


def _score(table: pd.DataFrame, classes: Sequence[str], draws: int, seed: int) -> dict[str, Any]:
    targets, predictions = class_numbers(table, classes)
    subjects = subject_keys(table).to_numpy(object)
    scores = summarise(confusion_matrix(targets, predictions, len(classes)), classes)
    scores["n_subjects"] = len(set(subjects))
    if draws:
        intervals = subject_bootstrap(targets, predictions, subjects, len(classes), HEADLINE, draws, seed)
        scores["intervals"] = {name: list(bounds) for name, bounds in intervals.items()}
    return scores
