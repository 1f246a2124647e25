"""``python -m tests.faults [--kills 50] [--only NAME ...] [--csv FILE]``: inject, count, print, exit 1 on any loss."""

import argparse
import csv
import importlib
import sys
import tempfile
from pathlib import Path

from tests.faults.cases import CASES, write_data
from tests.faults.kills import Losses, inject_kills
from tests.faults.others import OTHERS

_IMPORTED = ("mer.verbs.prepare", "mer.verbs.train", "mer.experiment")  # once, here, and not in each fork
_COLUMNS = ("fault", "tries", "commands", "half written", "made again", "differing", "failed", "lost")


def main() -> int:
    """Inject every fault that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="SIGKILLs a command (50)")
    parser.add_argument("--only", nargs="*", help="parts of the faults' names")
    parser.add_argument("--csv", type=Path, help="where to write the table")
    wanted = parser.parse_args()
    for module in _IMPORTED:
        importlib.import_module(module)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_data(work / "data")
        for number, case in enumerate(CASES):
            name = f"SIGKILL: {case.name}"
            if _is_wanted(name, wanted.only):
                rows.append(_row(name, inject_kills(case, work / "data", work / f"kills-{number}", wanted.kills)))
        for number, (name, inject) in enumerate(OTHERS.items()):
            if _is_wanted(name, wanted.only):
                rows.append(_row(name, inject(work / "data", work / f"other-{number}")))
    if wanted.csv:
        with wanted.csv.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            writer.writerows(rows)
    return 1 if any(row[-1] != "0" for row in rows) else 0


def _row(name: str, losses: Losses) -> list[str]:
    lost = [losses.half_written, losses.made_again, losses.differing, losses.failed]
    row = [name, str(losses.kills), str(losses.runs), *(str(len(one)) for one in lost), str(losses.total)]
    print(", ".join(f"{column} {value}" for column, value in zip(_COLUMNS, row, strict=True)), flush=True)
    for line in [line for one in lost for line in one][:20]:
        print(f"  {line}", flush=True)
    return row


def _is_wanted(name: str, parts: list[str] | None) -> bool:
    return parts is None or any(part in name for part in parts)


if __name__ == "__main__":
    sys.exit(main())
