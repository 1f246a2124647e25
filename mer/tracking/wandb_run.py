"""Weights & Biases: one run a LOSO run, offline into the run's folder unless the user has logged in."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd

from mer.fingerprint import fingerprint
from mer.progress import say
from mer.protocols.folds import Fold
from mer.report.curves import plot_curves, pool_curves
from mer.tracking.secrets import known_secrets, masked, netrc_login
from mer.tracking.wandb_content import (
    class_table,
    fold_table,
    predictions_table,
    run_artifact,
    run_figures,
    run_summary,
)
from mer.tracking.wandb_package import wandb

_HOST = "api.wandb.ai"
_START_S, _END_S = 30.0, 300.0  # longer than a slow link needs; a link that is down must not hold up a sweep
_FAILED = 1  # exit code


class WandbTracker:
    """Logs a run to W&B, and nothing that is secret.

    Args:
        project: W&B project.
        entity: user or team; default: the one who logged in.
        group: groups runs; default: the experiment's name, and the sweep's where it is a job of one.
        tags: of the run.
        folds: True for a W&B run of each fold besides, in the same group.
        faces: True to log the figures that show faces, too.
        checkpoints: True to add the folds' weights to the artifact.
    """

    def __init__(
        self,
        project: str = "mer",
        entity: str | None = None,
        group: str | None = None,
        tags: Sequence[str] = (),
        folds: bool = False,
        faces: bool = False,
        checkpoints: bool = False,
    ) -> None:
        self.project = project
        self.entity = entity
        self.group = group
        self.tags = list(tags)
        self.folds = folds
        self.faces = faces
        self.checkpoints = checkpoints

    def open(self, folder: Path, key: str, config: Mapping[str, Any]) -> None:
        self._folder, self._secrets = folder.resolve(), known_secrets()  # `wandb sync` may be called from elsewhere
        self._config = masked(config, self._secrets)
        self._group = self.group or masked(default_group(folder, config), self._secrets)
        self._id = f"{key}-{fingerprint(folder.name)}"  # W&B refuses some characters of a folder's name
        self._scores: list[dict[str, Any]] = []
        self._curves: list[pd.DataFrame] = []
        self._run = self._start(self._id, masked(folder.name, self._secrets), "loso")
        self._run.define_metric("progress/*", step_metric="progress/folds", summary="none")
        self._run.define_metric("curves/*", step_metric="epoch", summary="none")

    def fold(self, fold: Fold, folder: Path, is_new: bool) -> None:
        scores = json.loads((folder / "metrics.json").read_text())
        curves = pd.read_csv(folder / "metrics.csv")
        self._scores.append(scores)
        self._curves.append(curves)
        clips = sum(one["n_clips"] for one in self._scores)
        hits = sum(one["accuracy"] * one["n_clips"] for one in self._scores)
        self._run.log({"progress/folds": len(self._scores), "progress/accuracy": hits / clips})
        if self.folds:
            self._log_fold(fold, scores, curves, is_new)

    def close(self, metrics: Mapping[str, Any], predictions: pd.DataFrame) -> None:
        self._log_curves()
        self._log_result(metrics, predictions)
        self._run.summary.update(run_summary(metrics))
        self._run.log_artifact(run_artifact(self._folder, self._id, self._config, self.checkpoints, self.faces))
        self._end(0)

    def fail(self, reason: str) -> None:
        self._run.summary["ended_by"] = masked(reason, self._secrets)
        self._end(_FAILED)

    def _end(self, exit_code: int) -> None:
        self._run.finish(exit_code=exit_code)
        wandb.teardown()  # finish() may return before the service has written the file: here it has

    def _log_curves(self) -> None:
        pooled = pool_curves(self._curves)
        for epoch, rows in pooled.groupby("epoch"):
            values = {
                f"curves/{row['name']}/{kind}": row[kind]
                for row in rows.to_dict("records")
                for kind in ("mean", "min", "max", "sd")
            }
            self._run.log({"epoch": epoch} | values)
        if len(pooled):
            plot_curves(pooled, self._config["name"], self._folder / "figures" / "curves.png")

    def _log_result(self, metrics: Mapping[str, Any], predictions: pd.DataFrame) -> None:
        classes = list(metrics["classes"])
        numbers = {name: [classes.index(label) for label in predictions[name]] for name in ("target", "prediction")}
        figures = [path for path in run_figures(self._folder, self.faces) if path.suffix == ".png"]
        self._run.log(
            {
                "predictions": wandb.Table(dataframe=predictions_table(predictions)),
                "folds": wandb.Table(dataframe=fold_table(self._scores)),
                "classes": wandb.Table(dataframe=class_table(metrics)),
                "confusion": wandb.plot.confusion_matrix(
                    y_true=numbers["target"], preds=numbers["prediction"], class_names=classes
                ),
            }
            | {f"figures/{path.stem}": wandb.Image(str(path)) for path in figures}
        )

    def _log_fold(self, fold: Fold, scores: Mapping[str, Any], curves: pd.DataFrame, is_new: bool) -> None:
        """A run of its own; a fold that was complete has one already, unless the tracker was not there then."""
        identity = f"{self._id}-{fingerprint(fold.subject)}"
        if not is_new and any((self._folder / "wandb").glob(f"*run-*-{identity}*")):
            return
        run = self._start(identity, f"{self._folder.name}/{fold.subject}", "fold")
        run.define_metric("*", step_metric="epoch")
        for row in curves.to_dict("records"):
            run.log({str(name): value for name, value in row.items() if pd.notna(value)})
        run.summary.update({"subject": fold.subject, "accuracy": scores["accuracy"], "n_clips": scores["n_clips"]})
        run.finish()

    def _start(self, identity: str, name: str, job_type: str) -> Any:
        mode = wandb_mode()
        try:
            return self._init(identity, name, job_type, mode)
        except Exception as error:
            if mode != "online":
                raise
            reason = " ".join(str(masked(str(error), self._secrets)).split())
            say(f"no W&B server ({reason}); kept offline, send it with `wandb sync {self._folder}/wandb/offline-run-*`")
            wandb.teardown()  # its service holds on to the run that did not start
            return self._init(identity, name, job_type, "offline")

    def _init(self, identity: str, name: str, job_type: str, mode: Any) -> Any:
        prepare_environment()
        return wandb.init(
            project=self.project,
            entity=self.entity,
            group=self._group,
            job_type=job_type,
            name=name,
            id=identity,
            resume="allow",
            tags=self.tags,
            dir=str(self._folder),
            config=self._config,
            mode=mode,
            reinit="create_new",
            settings=wandb.Settings(
                silent=True,
                console="off",
                init_timeout=_START_S,
                finish_timeout=_END_S,
                finish_timeout_raises=True,
                x_disable_stats=True,
                x_disable_meta=True,
                x_disable_machine_info=True,
                x_save_requirements=False,
                x_sync_dir_suffix=uuid4().hex[:6],  # else a run that goes on within the second overwrites its file
                disable_git=True,
                disable_code=True,
            ),
        )


def default_group(folder: Path, config: Mapping[str, Any]) -> str:
    """``<experiment>/<sweep>`` for a job of a sweep, else ``<experiment>``."""
    name = str(config["name"])
    return f"{name}/{config['sweep_name']}" if folder.parent.name == config.get("sweep_name") else name


def wandb_mode() -> Any:
    """``WANDB_MODE`` where it is set, ``online`` where the user has logged in, else ``offline``."""
    chosen = os.environ.get("WANDB_MODE")
    if chosen:
        return chosen
    return "online" if os.environ.get("WANDB_API_KEY") or netrc_login(_HOST) else "offline"


def prepare_environment() -> None:
    """Let wandb talk to nobody but its server, through a service of this process.

    A worker process, or a job that Slurm starts on another machine, inherits the address of its parent's service; that
    one may be gone, and shared ones have lost runs' configurations (https://github.com/wandb/wandb/issues/7227).
    """
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    token = os.environ.get("WANDB_SERVICE", "")
    if token and token.split("-")[1:2] != [str(os.getpid())]:
        del os.environ["WANDB_SERVICE"]
