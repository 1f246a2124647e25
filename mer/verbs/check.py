"""``mer check dataset=... dataset.root=DIR``: what a dataset holds, and what had to be repaired or refused."""

import json
from collections.abc import Sequence

from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.table import Table

from mer.clip import ClipIndex, subject_keys
from mer.hydra_app import run_hydra
from mer.progress import output


def main(arguments: Sequence[str]) -> None:
    """Compose ``check.yaml`` and print the report."""
    run_hydra("check", check, arguments)


def check(cfg: DictConfig) -> None:
    """Read the dataset, apply the label scheme, print counts and notes."""
    index = instantiate(cfg.labels).apply(instantiate(cfg.dataset).load())
    if cfg.json:
        print(json.dumps(report(index), indent=2))
        return
    console = output()
    counts = index.clips.assign(key=subject_keys(index.clips)).pivot_table(
        index="key", columns="label", values="clip", aggfunc="count", fill_value=0
    )
    table = Table("subject", *counts.columns, "clips", title=f"{cfg.name}, labels={cfg.labels.name}")
    for subject, row in counts.iterrows():
        table.add_row(str(subject), *(str(count) for count in row), str(row.sum()))
    table.add_section()
    table.add_row(f"{len(counts)} subjects", *(str(count) for count in counts.sum()), str(len(index)))
    console.print(table)
    for note in index.notes:
        console.print(str(note), soft_wrap=True)


def report(index: ClipIndex) -> dict[str, object]:
    """The same as plain values."""
    keys = subject_keys(index.clips)
    return {
        "n_clips": len(index),
        "n_subjects": int(keys.nunique()),
        "per_class": {str(label): int(count) for label, count in index.clips["label"].value_counts().items()},
        "per_subject": {str(subject): int(count) for subject, count in keys.value_counts(sort=False).items()},
        "notes": [vars(note) for note in index.notes],
    }
