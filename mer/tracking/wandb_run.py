"""Weights & Biases: one run a LOSO run, its folds as prefixed curves, offline unless the user has logged in."""

import netrc
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import wandb

from mer.fingerprint import fingerprint
from mer.predictions import MAIN_SCORES
from mer.protocols.folds import Fold

_HOST = "api.wandb.ai"


class WandbTracker:
    """Logs a run to W&B.

    Args:
        project: W&B project.
        group: groups the runs of a sweep; default: the folder above the run's.
        tags: of the run.
    """

    def __init__(self, project: str = "mer", group: str | None = None, tags: list[str] | None = None) -> None:
        self.project = project
        self.group = group
        self.tags = list(tags or ())
        self._run: Any = None

    def open(self, folder: Path, key: str, config: Mapping[str, Any]) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        self._run = wandb.init(
            project=self.project,
            group=self.group or folder.parent.name,
            name=folder.name,
            id=f"{key}-{fingerprint(folder.name)}",  # W&B refuses some characters of a folder's name
            resume="allow",
            tags=self.tags,
            dir=str(folder),
            config=dict(config),
            mode=wandb_mode(),
            reinit="finish_previous",
            settings=wandb.Settings(
                silent=True,
                console="off",
                x_disable_stats=True,
                x_disable_meta=True,
                disable_git=True,
                disable_code=True,
            ),
        )
        self._run.define_metric("folds/*", step_metric="epoch")

    def fold(self, fold: Fold, folder: Path, is_new: bool) -> None:
        if not is_new:
            return
        for row in pd.read_csv(folder / "metrics.csv").to_dict("records"):
            epoch = row.pop("epoch")
            self._run.log({"epoch": epoch} | {f"folds/{fold.subject}/{name}": value for name, value in row.items()})

    def fail(self, reason: str) -> None:
        self._run.finish(exit_code=1)

    def close(self, metrics: Mapping[str, Any], predictions: pd.DataFrame) -> None:
        classes = list(metrics["classes"])
        self._run.summary.update({name: metrics[name] for name in MAIN_SCORES})
        table = predictions.astype(dict.fromkeys(predictions.select_dtypes(include=["object", "string"]), str))
        self._run.log(
            {
                "predictions": wandb.Table(dataframe=table),
                "confusion": wandb.plot.confusion_matrix(
                    y_true=[classes.index(label) for label in predictions["target"]],
                    preds=[classes.index(label) for label in predictions["prediction"]],
                    class_names=classes,
                ),
            }
        )
        self._run.finish()


def wandb_mode() -> Any:
    """``WANDB_MODE`` where it is set, ``online`` where the user has logged in, else ``offline``."""
    chosen = os.environ.get("WANDB_MODE")
    if chosen:
        return chosen
    return "online" if os.environ.get("WANDB_API_KEY") or _in_netrc() else "offline"


def _in_netrc() -> bool:
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(_HOST) is not None
    except (OSError, netrc.NetrcParseError):
        return False
