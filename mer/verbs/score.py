"""``mer score predictions.csv``: pooled scores, with intervals over subjects."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from mer.predictions import MAIN_SCORES, read_predictions, score_predictions
from mer.progress import output

_PLAIN = {"macro_precision": "P", "f1_of_means": "F1(P,R)"}


def main(arguments: Sequence[str]) -> None:
    """Parse ``arguments`` and print the scores."""
    parser = argparse.ArgumentParser("mer score", description=__doc__)
    parser.add_argument("predictions", type=Path, help="CSV with dataset, subject, target, prediction")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap samples of subjects (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (default 0)")
    given = parser.parse_args(arguments)
    scores = score_predictions(read_predictions(given.predictions), draws=given.draws, seed=given.seed)
    if given.json:
        print(json.dumps(scores, indent=2))
    else:
        output().print(score_table(scores, title=str(given.predictions)))


def score_table(scores: dict[str, Any], title: str) -> Table:
    """Rows pooled and by dataset, columns the scores, the first three with their 95 % intervals."""
    table = result_table(title)
    for name in ("", "clips", "subj.", *MAIN_SCORES.values(), *_PLAIN.values()):
        table.add_column(name, no_wrap=True)
    rows = {"pooled": scores["pooled"]} | (scores["datasets"] if len(scores["datasets"]) > 1 else {})
    for name, row in rows.items():
        cells = [with_interval(row, score) for score in MAIN_SCORES] + [f"{row[score]:.4f}" for score in _PLAIN]
        table.add_row(name, str(row["n_clips"]), str(row["n_subjects"]), *cells)
    return table


def result_table(title: str) -> Table:
    """An empty table of scores, narrow enough for 80 columns."""
    return Table(title=title, caption="below each score: 95 % interval over subjects", box=SIMPLE_HEAD, pad_edge=False)


def with_interval(row: dict[str, Any], score: str) -> str:
    """``0.7398`` above ``.680-.799``; the interval only where there is one."""
    if "intervals" not in row:
        return f"{row[score]:.4f}"
    low, high = (f"{bound:.3f}".removeprefix("0") for bound in row["intervals"][score])
    return f"{row[score]:.4f}\n{low}-{high}"
