"""``python -m tests.faults [--kills 50] [--only NAME ...] [--csv FILE]``: inject, count, print, exit 1 on any loss."""

import argparse
import importlib
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.faults.cases import LONG, SHORT
from tests.faults.kills import inject_kills
from tests.faults.losses import Losses
from tests.faults.others import OTHERS
from tests.faults.table import fill_in, read_rows, row_of, write_rows

# Imported once, here, and not in each fork.
_IMPORTED = (
    *(f"mer.verbs.{verb}" for verb in ("prepare", "train", "predict", "magnify", "export", "explain", "report")),
    *("mer.verbs.compare", "mer.experiment", "mer.explain.run", "mer.report.html", "mer.export.card"),
)
_SHOWN = 20  # losses of a fault

Fault = Callable[[Path, Path], Losses]


def main() -> int:
    """Inject every fault that was asked for."""
    wanted = _parser().parse_args()
    rows = read_rows(wanted.csv) if wanted.csv else {}
    lost = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for module in _IMPORTED:
            importlib.import_module(module)
        from tests.faults.material import write_data  # imports torch

        write_data(work / "data")
        for number, (fault, command, inject) in enumerate(_faults(wanted)):
            name = f"{fault}: {command}"
            if wanted.only is None or any(part in name for part in wanted.only):
                losses = inject(work / "data", work / str(number))
                lost += losses.total
                rows[name] = row_of(fault, command, losses)
                _tell(rows[name], losses)
                if wanted.csv:
                    write_rows(wanted.csv, rows)
    if wanted.table:
        fill_in(wanted.table, rows)
    return 1 if lost else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="SIGKILLs of a command that goes on (50)")
    parser.add_argument("--kills-short", type=int, default=10, help="SIGKILLs of a command that makes one thing (10)")
    parser.add_argument("--minutes", type=float, default=math.inf, help="at most so long to kill a command (no limit)")
    parser.add_argument("--only", nargs="*", help="parts of names, as 'Ctrl-C: predict'")
    parser.add_argument("--csv", type=Path, help="the table; rows of other faults in it are kept")
    parser.add_argument("--table", type=Path, help="a page whose table is filled in with these rows")
    return parser


def _faults(wanted: argparse.Namespace) -> Iterator[tuple[str, str, Fault]]:
    for cases, kills in ((LONG, wanted.kills), (SHORT, wanted.kills_short)):
        for case in cases:
            yield "SIGKILL", case.name, partial(inject_kills, case, kills=kills, minutes=wanted.minutes)
    for fault, (inject, cases) in OTHERS.items():
        for case in cases:
            yield fault, case.name, partial(inject, case)


def _tell(row: dict[str, str], losses: Losses) -> None:
    print(", ".join(f"{column} {value}" for column, value in row.items()), flush=True)
    for line in [line for lines in losses.lines.values() for line in lines][:_SHOWN]:
        print(f"  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
