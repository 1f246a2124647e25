"""CASME II's coding sheet, `CASME2-coding-20140508.xlsx`, with the same bytes every time."""

import io
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass

from openpyxl import Workbook

SHEET_NAME = "CASME2-coding-20140508.xlsx"
# The two blank headers are the distributed file's own.
HEADER = (
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
    *("Action Units", "Estimated Emotion"),
)
_FIXED_DATE = (2014, 5, 8, 0, 0, 0)
_FIXED_STAMP = b"2014-05-08T00:00:00Z"


@dataclass(frozen=True)
class ClipRow:
    """One row of the sheet; ``subject`` is the bare number, ``01``."""

    subject: str
    clip: str
    onset: int
    apex: int
    offset: int
    action_units: tuple[int, ...]
    emotion: str

    @property
    def action_units_text(self) -> str:
        """The action units as the sheet writes them, ``6+12``."""
        return "+".join(str(unit) for unit in self.action_units)


def sheet_bytes(rows: Iterable[ClipRow]) -> bytes:
    """The workbook's bytes: Sheet1 with ``rows``, then blank Sheet2 and Sheet3 as in the distributed file."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Sheet1"
    sheet.append(HEADER)
    for row in rows:
        units = row.action_units_text
        # The distributed sheet holds a single unit as a number, several as text.
        cell = int(units) if units.isdigit() else units
        sheet.append((row.subject, row.clip, None, row.onset, row.apex, row.offset, None, cell, row.emotion))
        sheet.cell(sheet.max_row, 1).number_format = "@"
    book.create_sheet("Sheet2")
    book.create_sheet("Sheet3")
    buffer = io.BytesIO()
    book.save(buffer)
    return without_clock(buffer.getvalue())


def without_clock(workbook: bytes) -> bytes:
    """The workbook with every time of writing, in its properties and in the zip, replaced by a fixed one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", _FIXED_STAMP, content)
            target.writestr(zipfile.ZipInfo(name, _FIXED_DATE), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
