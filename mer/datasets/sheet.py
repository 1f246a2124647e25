"""Reading annotation sheets as text: workbooks and CSV files, whatever stands above the header or in a cell."""

import csv
import io
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from mer.errors import MerError
from mer.files import unpacked_bytes

_HEADER_WITHIN_ROWS = 40
_MOST_COLUMNS = 512
_LARGEST_BYTES = 100_000_000  # of a workbook unpacked; the largest that is distributed has a few
_ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII")
_NUMBER = re.compile(r"([0-9]{1,15})(?:\.0+)?")
_INVISIBLE = re.compile(r"[\0\u200b\u2060\ufeff]")  # copied along from web pages; str.strip knows no such blanks

Record = dict[str, str]


def read_sheet(
    path: Path, columns: Mapping[str, Sequence[str]], optional: Sequence[str] = (), worksheet: str | None = None
) -> list[Record]:
    """Read a sheet's rows as stripped text, keyed by our names of the columns.

    The header is the first row that holds all required columns; blanks and case in it do not matter. Blank rows are
    left out. The key ``line`` holds the row's number, from 1, as a spreadsheet program shows it.

    Args:
        path: a workbook (xlsx) or CSV file.
        columns: our name -> the headers that it goes by, the first one for messages.
        optional: of our names, those that may be missing; their cells are then empty.
        worksheet: of a workbook; default: the first that has the columns.

    Raises:
        MerError: no such file, not readable, no such worksheet, or a column is missing or there twice with other cells.
    """
    if not os.path.isfile(path):  # noqa: PTH113 - Path's raises where the name is too long
        raise MerError("the annotation sheet", f"no file {path}", "put it there or set dataset.sheet=NAME")
    tables = _read_csv(path) if _is_csv(path) else _read_workbook(path)
    if worksheet is not None:
        if worksheet not in tables:
            raise MerError(f"worksheet {worksheet} in {path}", f"{', '.join(tables)}", "use the distributed sheet")
        tables = {worksheet: tables[worksheet]}
    required = [name for name in columns if name not in optional]
    for rows in tables.values():
        for number, header in enumerate(rows[:_HEADER_WITHIN_ROWS]):
            places = _places(header, columns)
            if all(places[name] for name in required):
                return list(_records(path, rows, number, places))
    raise _missing_columns(path, tables, columns, required)


def whole_number(cell: str) -> int | None:
    """The whole number in a cell, ``46`` or, as spreadsheets make of it, ``46.0``; None for anything else."""
    match = _NUMBER.fullmatch(cell.strip())
    return int(match[1]) if match else None


def numbered_name(cell: str, form: str) -> tuple[str, str]:
    """A subject's name, ``sub01``, from its number in a cell, and what was repaired.

    Args:
        cell: ``01``; ``1`` where a program turned the text into a number.
        form: of the name, ``sub{:02d}``.
    """
    number = whole_number(cell)
    if number is None:
        return cell, ""
    name = form.format(number)
    as_text = cell == re.sub(r"^\D+", "", name)
    return name, "" if as_text else f"subject {cell}, a number in the sheet, read as {name}"


def objective_class(cell: str) -> str:
    """The objective class in a cell, ``I`` to ``VII``, from ``1`` to ``7`` too; anything else as it is."""
    number = whole_number(cell)
    return _ROMAN[number] if number is not None and 0 < number < len(_ROMAN) else cell.upper()


def _records(path: Path, rows: list[list[str]], header: int, places: Mapping[str, Sequence[int]]) -> Iterator[Record]:
    for number, row in enumerate(rows[header + 1 :], start=header + 2):
        if _is_csv(path) and any(row[len(rows[header]) :]):  # a workbook may hold remarks there
            got = f"{path} with {len(row)} in row {number}"
            raise MerError(f"rows of {len(rows[header])} cells", got, "put cells that hold a comma into quotes")
        cells = {}
        for name, columns in places.items():
            found = [row[place] if place < len(row) else "" for place in columns] or [""]
            if any(cell != found[0] for cell in found):
                got = f"{path} with {len(found)}, {' and '.join(map(repr, found))} in row {number}"
                raise MerError(f"one column {rows[header][columns[0]]}", got, "remove the wrong one")
            cells[name] = found[0]
        if any(cells.values()):
            yield cells | {"line": str(number)}


def _places(header: Sequence[str], columns: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """Our name -> the places of its columns: none, one, or more, which must then agree."""
    plain = [_plain(cell) for cell in header]
    known = {name: {_plain(text) for text in texts} for name, texts in columns.items()}
    return {name: [place for place, cell in enumerate(plain) if cell in texts] for name, texts in known.items()}


def _plain(header: str) -> str:
    return re.sub(r"[\s_']+", "", header).casefold()


def _missing_columns(
    path: Path, tables: Mapping[str, list[list[str]]], columns: Mapping[str, Sequence[str]], required: Sequence[str]
) -> MerError:
    rows = [row for table in tables.values() for row in table[:_HEADER_WITHIN_ROWS]]
    found = [[name for name, places in _places(row, columns).items() if places] for row in rows]
    best = max(found, key=len, default=[])
    missing = ", ".join(columns[name][0] for name in required if name not in best)
    return MerError(
        f"columns {', '.join(columns[name][0] for name in required)}",
        f"{path} without {missing}",
        "use the distributed sheet as it is",
    )


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() in (".csv", ".txt")


def _read_workbook(path: Path) -> dict[str, list[list[str]]]:
    try:
        if (size := unpacked_bytes(path)) > _LARGEST_BYTES:
            raise ValueError(f"{size} bytes unpacked, more than {_LARGEST_BYTES}")
        with warnings.catch_warnings(), path.open("rb") as opened:
            warnings.simplefilter("ignore")  # openpyxl's, about styles that it does not know
            book = load_workbook(opened, read_only=True, data_only=True, keep_links=False)
            return {sheet.title: _cells(sheet) for sheet in book.worksheets}
    except Exception as error:  # a damaged workbook can raise anything from zipfile, the XML parser and openpyxl
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MerError("an xlsx workbook", f"{path}: {reason}", "download the sheet again") from error


def _cells(sheet: Any) -> list[list[str]]:
    sheet.reset_dimensions()  # what the file says of its size may be too small
    # A cell in the last of Excel's columns would fill up its whole row.
    return [[_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS)]


def _read_csv(path: Path) -> dict[str, list[list[str]]]:
    try:
        text = _decoded(path.read_bytes())
        # Else a quote that nobody closed would swallow the rows below it.
        rows = [[_text(cell) for cell in row] for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MerError("a CSV file in UTF-8", f"{path}: {error}", "write it again") from error
    return {path.name: rows}


def _decoded(data: bytes) -> str:
    if b"\0" in data:
        raise csv.Error("zero bytes, as UTF-16 has them")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")  # sheets edited on a Chinese system


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else _INVISIBLE.sub("", str(cell)).strip()
