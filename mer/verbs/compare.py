"""``mer compare RUN...``: finished runs and sweeps beside each other."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.table import Table

from mer.files import atomic_file
from mer.predictions import MAIN_SCORES
from mer.progress import output
from mer.runs import Run, beside_each_other, find_runs
from mer.verbs.score import result_table, with_interval


def main(arguments: Sequence[str]) -> None:
    """Parse ``arguments`` and print the table."""
    parser = argparse.ArgumentParser("mer compare", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run's folder, or one above several")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--csv", type=Path, help="write the table to this file too")
    given = parser.parse_args(arguments)
    runs = find_runs(given.runs)
    if given.csv:
        write_csv(runs, given.csv)
    if given.json:
        print(json.dumps([_plain(run, settings) for run, settings, _ in beside_each_other(runs)], indent=2))
    else:
        output().print(compare_table(runs))


def compare_table(runs: Sequence[Run]) -> Table:
    """A row a run: the settings that differ, clips, and the pooled scores with their 95 % intervals."""
    table = result_table(f"{len(runs)} runs")
    table.add_column("run", overflow="fold")
    table.add_column("settings that differ", overflow="fold")
    for name in ("clips", *MAIN_SCORES.values()):
        table.add_column(name, no_wrap=True)
    for run, _, differing in beside_each_other(runs):
        scores = [with_interval(dict(run.metrics), score) for score in MAIN_SCORES]
        table.add_row(run.path.name, differing, str(run.metrics["n_clips"]), *scores)
    return table


def write_csv(runs: Sequence[Run], path: Path) -> None:
    """Write a row a run: the settings that differ, clips, folds, scores, seconds of training."""
    names = (*MAIN_SCORES, "n_clips", "n_folds", "seconds")
    rows = [settings | {name: run.metrics[name] for name in names} for run, settings, _ in beside_each_other(runs)]
    with atomic_file(path) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")


def _plain(run: Run, settings: dict[str, str]) -> dict[str, object]:
    scores = {name: run.metrics[name] for name in (*MAIN_SCORES, "intervals", "n_clips", "n_folds", "seconds")}
    return {"run": str(run.path), "settings": settings} | scores
