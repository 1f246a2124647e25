"""A run's folder as `mer train` leaves it, without training."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import yaml

from mer.predictions import per_subject, score_predictions, write_predictions

CLASSES = ("negative", "positive", "surprise")


def fake_predictions(subjects: int = 5, clips: int = 6, right: float = 0.7, seed: int = 0) -> pd.DataFrame:
    """Rows of predictions.csv: each right with probability ``right``; targets do not depend on ``seed``."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(subjects * clips):
        target = CLASSES[number % len(CLASSES)]
        prediction = target if rng.random() < right else CLASSES[rng.integers(len(CLASSES))]
        rows.append(("smic", f"s{number // clips + 1:02d}", f"c{number % clips}", target, prediction))
    table = pd.DataFrame(rows, columns=["dataset", "subject", "clip", "target", "prediction"])
    for label in CLASSES:
        table[f"prob_{label}"] = (table["prediction"] == label).astype(float)
    return table


def fake_metrics(table: pd.DataFrame, classes: Sequence[str] = CLASSES) -> dict[str, Any]:
    """metrics.json of ``table``."""
    scores = score_predictions(table, classes, draws=50)
    facts = {"n_folds": table["subject"].nunique(), "seconds": 1.5, "versions": {"mer": "0"}, "git_commit": None}
    names = {"classes": list(classes), "per_dataset": scores["datasets"], "per_subject": per_subject(table)}
    return scores["pooled"] | names | facts


def write_run(
    folder: Path, settings: Mapping[str, Any] | None = None, table: pd.DataFrame | None = None, finished: bool = True
) -> Path:
    """Write a run with ``settings`` (nested, over defaults) and predictions ``table``; unfinished: its folds alone."""
    table = fake_predictions() if table is None else table
    config = {"name": "tiny", "seed": 0, "sweep_name": "sweep", "logger": {"project": "mer"}} | dict(settings or {})
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "run.json").write_text(json.dumps({"fingerprint": "f" * 16, "started": "2026-01-01T00:00:00"}))
    for subject, rows in table.groupby("subject"):
        write_fold(folder / "folds" / f"smic-{subject}", f"smic-{subject}", rows)
    if finished:
        metrics = fake_metrics(table)
        write_predictions(table, folder / "predictions.csv")
        (folder / "figures").mkdir()
        cv2.imwrite(str(folder / "figures" / "confusion.png"), np.zeros((8, 8, 3), np.uint8))
        (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


def write_fold(folder: Path, subject: str, rows: pd.DataFrame, epochs: int = 3) -> None:
    """Write what a fold leaves: metrics.csv, metrics.json, predictions.csv and weights."""
    folder.mkdir(parents=True)
    losses = 1 / np.arange(1, epochs + 1) + int(subject[-1]) ** 2 / 100  # whose mean is not their median
    curves = pd.DataFrame({"epoch": range(epochs), "train_loss": losses, "train_accuracy": 1 - losses / 2})
    curves.to_csv(folder / "metrics.csv", index=False)
    scores = {
        "subject": subject,
        "n_clips": len(rows),
        "accuracy": float((rows["target"] == rows["prediction"]).mean()),
    }
    (folder / "metrics.json").write_text(json.dumps(scores | {"seed": 1, "seconds": 0.5}))
    write_predictions(rows, folder / "predictions.csv")
    (folder / "model.safetensors").write_bytes(b"weights of " + subject.encode())
