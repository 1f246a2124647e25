"""``mer compare RUN...``: runs and sweeps beside each other, with paired tests; unfinished ones with their state."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.table import Table

from mer.comparison import group_seeds, paired_tests
from mer.errors import MerError
from mer.files import atomic_file
from mer.progress import output, say
from mer.report.run_tables import (
    Record,
    flat_records,
    latex,
    markdown,
    run_records,
    seed_records,
    table_cells,
    unfinished_records,
)
from mer.runs import DIVERGED, Run, find_runs, find_unfinished, read_run
from mer.verbs.score import result_table


def main(arguments: Sequence[str]) -> None:
    """Parse ``arguments``, print the table, write what is asked for."""
    given = _parser().parse_args(arguments)
    unfinished = find_unfinished(given.runs)
    runs = find_runs(given.runs, but_for=unfinished)
    for run in runs:
        if DIVERGED in run.metrics:
            say(f"DIVERGED, not a result: {run.path}, no numbers in {', '.join(run.metrics[DIVERGED])}")
    records = _records(runs, given) + unfinished_records(unfinished)
    if given.csv:
        write_csv(records, given.csv)
    if given.figures:
        from mer.report.sweep_figures import write_sweep_figures  # matplotlib takes a second to import

        for path in write_sweep_figures(group_seeds(runs), given.figures):
            say(f"wrote {path}")
    if given.json:
        print(json.dumps(records, indent=2))
    elif given.markdown or given.latex:
        print((markdown if given.markdown else latex)(*table_cells(records)), end="")
    else:
        output().print(compare_table(records, given.against, given.seeds))


def compare_table(records: Sequence[Record], against: Path | None = None, seeds: bool = False) -> Table:
    """A row a record: the settings that differ, clips, scores with intervals or sd, and tests."""
    header, rows = table_cells(records)
    table = result_table(f"{len(records)} {'groups' if seeds else 'runs'}")
    table.caption = "below each mean: standard deviation over seeds" if seeds else table.caption
    if against:
        table.caption = f"{table.caption}; Δ to {against.name}, p of exchanging subjects; McNemar: of clips"
    for number, name in enumerate(header):
        table.add_column(name, overflow="fold", no_wrap=1 < number < 6)
    for row in rows:
        table.add_row(*("\n".join(cell) for cell in row))
    return table


def write_csv(records: Sequence[Record], path: Path) -> None:
    """Write a row a record."""
    with atomic_file(path) as temporary:
        table = pd.DataFrame(flat_records(records)).dropna(axis="columns", how="all")
        table.to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")


def _records(runs: Sequence[Run], given: argparse.Namespace) -> list[Record]:
    if given.seeds and given.against:
        raise MerError("--seeds or --against", "both", "tests are of two runs: leave --seeds out")
    if given.seeds:
        return seed_records(group_seeds(runs))
    if not given.against:
        return run_records(runs)
    reference = read_run(given.against)
    beside = runs if _is_among(reference, runs) else [*runs, reference]
    return run_records(beside, paired_tests(beside, reference, given.draws, given.seed))


def _is_among(reference: Run, runs: Sequence[Run]) -> bool:
    return any(run.path.resolve() == reference.path.resolve() for run in runs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("mer compare", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run's folder, or one above several")
    parser.add_argument("--against", type=Path, metavar="RUN", help="test each run against this one, clip by clip")
    parser.add_argument("--draws", type=int, default=10_000, help="exchanges of the permutation test (default 10000)")
    parser.add_argument("--seed", type=int, default=0, help="of the permutation test (default 0)")
    parser.add_argument("--seeds", action="store_true", help="gather runs that differ in seed alone: mean and sd")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="curve or heat map of the sweep, as PNG and SVG")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table to this file too")
    kinds = parser.add_mutually_exclusive_group()
    for kind in ("json", "markdown", "latex"):
        kinds.add_argument(f"--{kind}", action="store_true", help=f"print {kind}")
    return parser
