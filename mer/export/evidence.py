"""What a run says of its model: calibration and scores on subjects left out, and what it was trained on.

No subject's name, no clip's name and no path is taken along.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from mer.clip import subject_keys
from mer.errors import MerError
from mer.metrics.calibration import Calibration, calibrate
from mer.predictions import HEADLINE, class_numbers, read_predictions
from mer.runs import read_run
from mer.schema import Optional, check
from mer.trained import TrainedRun

_FIT = {"ece": float, "ece_if_calibrated": float, "nll": float}
CARD = {
    "datasets": {str: {"clips": int, "subjects": int}},
    "clips_per_class": {str: int},
    "dataset": str,  # class that read them; of flow images, no frame was ever seen
    "labels": str,
    "protocol": str,
    "folds_of_run": int,
    "scores": {str: {"value": float, "low": float, "high": float}},
    "per_class": {str: {"precision": Optional(float), "recall": Optional(float), "f1": Optional(float), "clips": int}},
    "confusion": [[int]],
    "calibration": {"temperature": float, "before": _FIT, "after": _FIT, "cross_fitted": _FIT},
    "seed": int,
    "versions": {str: Optional(str)},
    "git_commit": Optional(str),
}


def read_calibration(run: TrainedRun) -> Calibration:
    """The temperature of the run's pooled predictions: each clip's by the network that never saw its subject.

    Raises:
        MerError: predictions.csv holds no probabilities of the run's classes, or labels that are none of them.
    """
    path = run.path / "predictions.csv"
    table = read_predictions(path)
    columns = [f"prob_{label}" for label in run.classes]
    remedy = "let `mer train` write it again"
    if lacking := [name for name in columns if name not in table.columns]:
        raise MerError(f"columns {', '.join(columns)}", f"{path} without {', '.join(lacking)}", remedy)
    if foreign := {*table["target"]}.difference(run.classes):
        raise MerError(f"targets {', '.join(run.classes)}", f"{', '.join(sorted(foreign))} in {path}", remedy)
    numbers = table[columns].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    targets, _ = class_numbers(table.assign(prediction=table["target"]), run.classes)
    return calibrate(numbers, targets, subject_keys(table).to_numpy(object))


def describe(run: TrainedRun, calibration: Calibration) -> dict[str, Any]:
    """The model's card: plain values of the form :data:`CARD`.

    Raises:
        MerError: metrics.json is not what mer writes.
    """
    metrics = read_run(run.path).metrics
    try:
        card = {
            "datasets": {name: _count(scores) for name, scores in metrics["per_dataset"].items()},
            "clips_per_class": {name: row["clips"] for name, row in metrics["per_class"].items()},
            "dataset": _name(run.config.dataset),
            "labels": str(run.config.labels.get("name") or _name(run.config.labels)),
            "protocol": _name(run.config.protocol),
            "folds_of_run": metrics["n_folds"],
            "scores": {name: _interval(metrics, name) for name in HEADLINE},
            "per_class": {name: dict(row) for name, row in metrics["per_class"].items()},
            "confusion": metrics["confusion"],
            "calibration": asdict(calibration),
            "seed": run.config.seed,
            "versions": metrics["versions"],
            "git_commit": metrics["git_commit"],
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        got = f"{run.path / 'metrics.json'}: {error!r}"
        raise MerError("metrics.json as mer writes it", got, "let `mer train` write it again") from error
    check(card, CARD, "card")
    return card


def _count(scores: Mapping[str, Any]) -> dict[str, int]:
    return {"clips": scores["n_clips"], "subjects": scores["n_subjects"]}


def _interval(metrics: Mapping[str, Any], name: str) -> dict[str, float]:
    low, high = metrics["intervals"][name]
    return {"value": metrics[name], "low": low, "high": high}


def _name(group: Any) -> str:
    return str(group._target_).rpartition(".")[2]
