"""``mer check dataset=... dataset.root=DIR``: what a dataset holds, and what had to be repaired or refused."""

import json
from collections.abc import Sequence
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from mer.clip import ClipIndex, subject_keys
from mer.datasets import FlowSource
from mer.datasets.cache import read_index
from mer.errors import MerError, require_choice
from mer.hydra_app import plain, run_hydra
from mer.inspection import Counts, check_images, count_clips
from mer.progress import Counter, output, progress_bar

_IMAGES = ("ends", "decode", "none")


def main(arguments: Sequence[str]) -> None:
    """Compose ``check.yaml`` and print the report."""
    run_hydra("check", check, arguments)


def check(cfg: DictConfig) -> None:
    """Read the dataset, apply the label scheme, look at the images, print counts and notes."""
    require_choice("images", cfg.images, _IMAGES)
    index = read_index(instantiate(cfg.dataset), plain(cfg.dataset), cfg.store)
    scheme = instantiate(cfg.labels)
    try:
        labelled = scheme.apply(index)
    except MerError:
        _print_notes(output(), index)  # the error names only the first of them
        raise
    if cfg.images != "none" and not isinstance(instantiate(cfg.dataset), FlowSource):
        with progress_bar() as bars:
            apex, temporal, counter = instantiate(cfg.apex), instantiate(cfg.magnify).temporal, Counter(bars, "images")
            labelled = check_images(labelled, apex, temporal, cfg.images == "decode", counter)
    counts = count_clips(labelled, scheme.published)
    if cfg.json:
        print(json.dumps(report(labelled, counts), indent=2))
        return
    console = output()
    for dataset in counts:
        _print_counts(console, dataset, cfg.labels.name)
    _print_notes(console, labelled)


def report(index: ClipIndex, counts: Sequence[Counts]) -> dict[str, Any]:
    """The same as plain values."""
    keys = subject_keys(index.clips)
    return {
        "n_clips": len(index),
        "n_subjects": int(keys.nunique()),
        "per_class": {str(label): int(count) for label, count in index.clips["label"].value_counts().items()},
        "per_subject": {str(subject): int(count) for subject, count in keys.value_counts(sort=False).items()},
        "published": {found.dataset: vars(found.published) for found in counts if found.published},
        "notes": [vars(note) for note in index.notes],
    }


def _print_counts(console: Console, counts: Counts, labels: str) -> None:
    published = counts.published
    table = Table("", *counts.per_class, "clips", title=f"{counts.dataset}, labels={labels}")
    if published:
        table.add_column("published")
    for subject in counts.subjects:
        found = counts.per_subject.get(subject, {})
        cells = [*(found.get(name, 0) for name in counts.per_class), sum(found.values())]
        known = [published.per_subject.get(subject, 0) if published.per_subject else ""] if published else []
        table.add_row(subject, *map(str, [*cells, *known]))
    table.add_section()
    clips = sum(counts.per_class.values())
    table.add_row(
        f"{len(counts.per_subject)} subjects",
        *map(str, [*counts.per_class.values(), clips, *([published.clips] if published else [])]),
    )
    if published:
        cells = [*(published.classes.get(name, 0) for name in counts.per_class), published.clips, published.clips]
        subjects = "" if published.subjects is None else f": {published.subjects} subjects"
        table.add_row(f"published{subjects}", *map(str, cells))
        lacking = [found - known for found, known in zip([*counts.per_class.values(), clips], cells, strict=False)]
        table.add_row("difference", *(f"{number:+d}" if number else "0" for number in lacking))
    console.print(table)
    if published:
        console.print(f"published: {published.source}", soft_wrap=True)
    else:
        console.print(f"no published counts for {counts.dataset} under labels={labels}", soft_wrap=True)


def _print_notes(console: Console, index: ClipIndex) -> None:
    for note in index.notes:
        console.print(str(note), soft_wrap=True)
    kinds = [note.kind for note in index.notes]
    console.print(f"{kinds.count('repaired')} repaired, {kinds.count('refused')} refused")
