"""Runs on disk: found, read, and set beside each other."""

import fcntl
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mer.errors import MerError
from mer.predictions import MAIN_SCORES
from mer.schema import Optional, check, require_bounded

# Settings that do not decide the predictions.
FREE_SETTINGS = (
    *("json", "outputs", "store", "run_dir", "share_run", "worker"),
    *("sweep_name", "objective", "logger", "engine", "show_faces"),
)

# Why a run that did not finish ended; mer.tracking writes it, and takes it away when the run goes on.
FAILURE = "failure.json"
TRACKING = ".tracking"  # there while a tracker has not heard of the run's end

# In a fold's metrics.json what is no number, in a run's the folds where that is so.
DIVERGED = "diverged"

_SCORES = {"precision": Optional(float), "recall": Optional(float), "f1": Optional(float), "clips": int}
# What metrics.json holds at least.
METRICS: Mapping[str, Any] = {
    **dict.fromkeys(MAIN_SCORES, float),
    "intervals": {str: [float]},
    "confusion": [[int]],
    "per_class": {str: _SCORES},
    "per_subject": {str: {"clips": float, "accuracy": float}},
    "n_clips": int,
    "n_folds": int,
    "seconds": float,
    "versions": {str: Optional(str)},
    "git_commit": Optional(str),
}
_LONGEST = 10_000_000  # characters


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, its configuration and its metrics.json."""

    path: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]


@dataclass(frozen=True)
class UnfinishedRun:
    """A run without a result: its folder, ``running``, ``stopped`` or ``failed: <reason>``, and its complete folds."""

    path: Path
    state: str
    folds_done: int


def find_runs(paths: Iterable[Path], but_for: Sequence[UnfinishedRun] = ()) -> list[Run]:
    """Every finished run at or below ``paths``, in their order.

    Args:
        paths: folders.
        but_for: runs that a path may hold instead of finished ones.

    Raises:
        MerError: a path holds none, or a run's files cannot be read.
    """
    others = [run.path.resolve() for run in but_for]
    runs: dict[Path, Run] = {}
    for path in paths:
        found = sorted(path.glob("**/run.json")) if path.is_dir() else []
        done = [file.parent for file in found if (file.parent / "metrics.json").is_file()]
        if not done and not any(other.is_relative_to(path.resolve()) for other in others):
            raise MerError("a folder with finished runs", str(path), "give a run's folder or one above it")
        runs.update((folder.resolve(), read_run(folder)) for folder in done)
    return list(runs.values())


def find_unfinished(paths: Iterable[Path]) -> list[UnfinishedRun]:
    """Every run at or below ``paths`` that has no metrics.json, in their order."""
    files = [file for path in paths if path.is_dir() for file in sorted(path.glob("**/run.json"))]
    folders = {file.parent.resolve(): file.parent for file in files if not (file.parent / "metrics.json").is_file()}
    return [UnfinishedRun(folder, _state(folder), _folds_done(folder)) for folder in folders.values()]


def read_run(folder: Path) -> Run:
    """Read the run kept in ``folder``.

    Raises:
        MerError: it is not finished, or its files are not what mer writes.
    """
    try:
        config = yaml.safe_load(_short_text(folder / "config.yaml"))
        metrics = json.loads(_short_text(folder / "metrics.json"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise MerError("a finished run's folder", f"{folder}: {error}", "let `mer train` finish it") from error
    if not isinstance(config, dict) or not isinstance(metrics, dict) or not set(metrics) >= METRICS.keys():
        raise MerError("config.yaml and metrics.json as mer writes them", str(folder), "let `mer train` write them")
    require_bounded(config, str(folder / "config.yaml"))
    where = str(folder / "metrics.json")
    check({name: metrics[name] for name in METRICS}, METRICS, where)
    check(metrics.get(DIVERGED, {}), {str: str}, where)
    return Run(folder, config, metrics)


def beside_each_other(runs: Sequence[Run]) -> list[tuple[Run, dict[str, str], str]]:
    """Each run with the settings in which the runs differ, and those that it has as text, ``-`` for none."""
    rows = zip(runs, differing_settings(runs), strict=True)
    return [(run, settings, _as_text(settings)) for run, settings in rows]


def differing_settings(runs: Iterable[Run]) -> list[dict[str, str]]:
    """For each run, the settings in which the runs differ; ``-`` where a run has no such setting."""
    flat = [settings_of(run) for run in runs]
    keys = list(dict.fromkeys(key for settings in flat for key in settings))
    differing = [key for key in keys if len({settings.get(key, "-") for settings in flat}) > 1]
    return [{key: settings.get(key, "-") for key in differing} for settings in flat]


def settings_of(run: Run) -> dict[str, str]:
    """The settings that decide a run's predictions, flat: ``magnify.alpha`` -> ``20``."""
    return dict(_flatten({name: value for name, value in run.config.items() if name not in FREE_SETTINGS}))


def _short_text(file: Path) -> str:
    with file.open(encoding="utf-8") as opened:
        text = opened.read(_LONGEST + 1)
    if len(text) > _LONGEST:
        raise ValueError(f"{file.name} of more than {_LONGEST} characters")
    return text


def _state(folder: Path) -> str:
    if _is_locked(folder / ".lock"):
        return "running"
    try:
        failure = json.loads((folder / FAILURE).read_text())
        return f"failed: {failure['reason']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "stopped"


def _is_locked(lock: Path) -> bool:
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _folds_done(folder: Path) -> int:
    return sum(not path.parent.name.startswith(".") for path in folder.glob("folds/*/metrics.json"))


def _as_text(settings: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in settings.items() if value != "-") or "-"


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in settings.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _flatten(value, f"{key}.")
        elif name == "_target_":
            yield key.removesuffix("._target_"), str(value).rpartition(".")[2]
        else:
            yield key, str(value)
