"""Finished runs on disk: found, read, and set beside each other."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mer.errors import MerError
from mer.predictions import MAIN_SCORES

# Settings that do not decide the predictions.
FREE_SETTINGS = ("json", "outputs", "store", "run_dir", "sweep", "logger", "show_faces")

_NEEDED = {
    *(*MAIN_SCORES, "intervals", "confusion", "per_class", "per_subject"),
    *("n_clips", "n_folds", "seconds", "versions", "git_commit"),
}


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, its configuration and its metrics.json."""

    path: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]


def find_runs(paths: Iterable[Path]) -> list[Run]:
    """Every finished run at or below ``paths``, in their order.

    Raises:
        MerError: a path holds none, or a run's files cannot be read.
    """
    runs: dict[Path, Run] = {}
    for path in paths:
        found = sorted(path.glob("**/run.json")) if path.is_dir() else []
        done = [file.parent for file in found if (file.parent / "metrics.json").is_file()]
        if not done:
            raise MerError("a folder with finished runs", str(path), "give a run's folder or one above it")
        runs.update((folder.resolve(), read_run(folder)) for folder in done)
    return list(runs.values())


def read_run(folder: Path) -> Run:
    """Read the run kept in ``folder``.

    Raises:
        MerError: it is not finished, or its files are not what mer writes.
    """
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text())
        metrics = json.loads((folder / "metrics.json").read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise MerError("a finished run's folder", f"{folder}: {error}", "let `mer train` finish it") from error
    if not isinstance(config, dict) or not isinstance(metrics, dict) or not set(metrics) >= _NEEDED:
        raise MerError("config.yaml and metrics.json as mer writes them", str(folder), "let `mer train` write them")
    return Run(folder, config, metrics)


def beside_each_other(runs: Sequence[Run]) -> list[tuple[Run, dict[str, str], str]]:
    """Each run with the settings in which the runs differ, and those that it has as text, ``-`` for none."""
    rows = zip(runs, differing_settings(runs), strict=True)
    return [(run, settings, _as_text(settings)) for run, settings in rows]


def differing_settings(runs: Iterable[Run]) -> list[dict[str, str]]:
    """For each run, the settings in which the runs differ; ``-`` where a run has no such setting."""
    flat = [dict(_flatten({k: v for k, v in run.config.items() if k not in FREE_SETTINGS})) for run in runs]
    keys = list(dict.fromkeys(key for settings in flat for key in settings))
    differing = [key for key in keys if len({settings.get(key, "-") for settings in flat}) > 1]
    return [{key: settings.get(key, "-") for key in differing} for settings in flat]


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
