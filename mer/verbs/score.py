"""``mer score predictions.csv``: pooled scores, with intervals over subjects."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mer.predictions import HEADLINE, read_predictions, score_predictions


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
        Console().print(score_table(scores, title=str(given.predictions)))


def score_table(scores: dict[str, Any], title: str) -> Table:
    """Rows pooled and by dataset, columns the scores with their 95 % intervals."""
    table = Table("clips of", "clips", "subjects", *HEADLINE, title=title, caption="[95 % interval over subjects]")
    rows = {"pooled": scores["pooled"]} | (scores["datasets"] if len(scores["datasets"]) > 1 else {})
    for name, row in rows.items():
        cells = [_cell(row, score) for score in HEADLINE]
        table.add_row(name, str(row["n_clips"]), str(row["n_subjects"]), *cells)
    return table


def _cell(row: dict[str, Any], score: str) -> str:
    if "intervals" not in row:
        return f"{row[score]:.4f}"
    low, high = row["intervals"][score]
    return f"{row[score]:.4f} [{low:.3f}, {high:.3f}]"
