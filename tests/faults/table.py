"""The table of faults: a CSV that runs in parts add to, and a page that shows it."""

import csv
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from tests.faults.losses import Losses

BEGIN, END = "<!-- faults: written by make test-faults -->", "<!-- end of faults -->"
_WORDS = ("fault", "command", "on")
Row = dict[str, str]


def row_of(fault: str, command: str, losses: Losses) -> Row:
    """The row of one fault in one command."""
    counts = {kind.replace("_", " "): str(len(lines)) for kind, lines in losses.lines.items()}
    tried = {"injected": str(losses.tries), "completed": str(losses.runs)}
    return {
        "fault": fault,
        "command": command,
        **tried,
        **counts,
        "lost": str(losses.total),
        "on": f"{datetime.now():%Y-%m-%d}",
    }


def read_rows(file: Path) -> dict[str, Row]:
    """The rows that are there already, by fault and command."""
    if not file.is_file():
        return {}
    with file.open(newline="") as opened:
        return {f"{row['fault']}: {row['command']}": row for row in csv.DictReader(opened)}


def write_rows(file: Path, rows: Mapping[str, Row]) -> None:
    """Write the table."""
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(next(iter(rows.values()))), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())


def fill_in(page: Path, rows: Mapping[str, Row]) -> None:
    """Put the table between the two marks of ``page``.

    Raises:
        ValueError: the page has no such marks.
    """
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no {BEGIN} ... {END}")
    page.write_text(f"{before}{begin}\n{markdown(rows)}\n{end}{after}")


def markdown(rows: Mapping[str, Row]) -> str:
    """The rows as a table, and what they sum to."""
    columns = list(next(iter(rows.values())))
    numbers = [column for column in columns if column not in _WORDS]
    rule = ["---" if column in _WORDS else "---:" for column in columns]
    lines = [columns, rule, *(list(row.values()) for row in rows.values())]
    lines.append(["all", "", *(str(sum(int(row[one]) for row in rows.values())) for one in numbers), ""])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
