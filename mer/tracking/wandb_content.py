"""What a finished run tells W&B: its tables, its summary, its artifact."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from mer.predictions import HEADLINE, MAIN_SCORES
from mer.tracking.wandb_package import wandb

_FILES = ("predictions.csv", "metrics.json", "folds/*/metrics.csv", "folds/*/metrics.json")
_FACELESS = ("confusion", "curves", "flow_samples")  # figures; others may show faces
_CHECKPOINTS = ("folds/*/*.safetensors",)


def fold_table(scores: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A row a fold: subject, clips, accuracy, seconds, seed."""
    names = {"subject": "subject", "n_clips": "clips", "accuracy": "accuracy", "seconds": "seconds", "seed": "seed"}
    return pd.DataFrame(
        [{name: row[key] for key, name in names.items()} for row in scores], columns=list(names.values())
    )


def class_table(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """A row a class: clips, precision, recall, F1."""
    return pd.DataFrame([{"class": label} | row for label, row in metrics["per_class"].items()])


def predictions_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """``predictions`` with its texts in a type that wandb takes."""
    return predictions.astype(dict.fromkeys(predictions.select_dtypes(include=["object", "string"]), str))


def run_summary(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Pooled scores, the ends of their intervals as ``<score>_low`` and ``_high``, and each class's and dataset's."""
    summary = {name: metrics[name] for name in (*HEADLINE, "n_clips", "n_folds", "seconds")}
    for name, (low, high) in metrics["intervals"].items():
        summary |= {f"{name}_low": low, f"{name}_high": high}
    for label, row in metrics["per_class"].items():
        summary |= {f"class/{label}/{name}": value for name, value in row.items() if value is not None}
    for dataset, row in metrics["per_dataset"].items():
        summary |= {f"dataset/{dataset}/{name}": row[name] for name in MAIN_SCORES}
    return summary | {"git_commit": metrics["git_commit"], "versions": metrics["versions"]}


def run_artifact(folder: Path, identity: str, config: Mapping[str, Any], checkpoints: bool, faces: bool) -> Any:
    """The run's folder as an artifact: ``config`` in the place of config.yaml, whose secrets are not masked."""
    artifact = wandb.Artifact(f"run-{identity}", type="run")
    copy = folder / "wandb" / "config.yaml"
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
    artifact.add_file(str(copy), "config.yaml", policy="immutable", skip_cache=True)
    patterns = (*_FILES, *(_CHECKPOINTS if checkpoints else ()))
    files = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    for path in (*files, *run_figures(folder, faces)):
        artifact.add_file(str(path), str(path.relative_to(folder)), policy="immutable", skip_cache=True)
    return artifact


def run_figures(folder: Path, faces: bool) -> list[Path]:
    """The files of the run's figures; those that may show faces only where asked for."""
    files = sorted(path for path in (folder / "figures").glob("*") if path.is_file())
    return [path for path in files if faces or path.stem in _FACELESS]
