"""Coding sheets as workbooks, cell by cell."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from openpyxl import Workbook

Cell = int | float | str | None


def write_workbook(path: Path, worksheets: Mapping[str, Sequence[Sequence[Cell]]]) -> None:
    """Write ``worksheets``, name -> rows, in their order. Cells that begin with ``=`` are formulas without values."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in worksheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
