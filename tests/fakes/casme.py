"""CASME's layout: CASME II's sheet under other headers, with a second apex, and frames named after their clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.coded import CodedFake, numbered, write_frames
from tests.fakes.workbook import Cell, write_workbook

SHEET = "casme.xlsx"
FRAMES = "CASME_raw_selected"
HEADER = ("Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "AU", "Emotion")


@dataclass(frozen=True)
class CasmeRow(CodedFake):
    """One row of the sheet, its subject a number."""

    subject: Cell = 1
    clip: Cell = "EP01_12"
    width: int = 1
    prefix: str = ""

    @property
    def cells(self) -> tuple[Cell, ...]:
        frames = (self.onset, self.apex, 0, self.offset)
        return self.subject, self.clip, None, *frames, None, self.units, self.emotion

    @property
    def folder(self) -> str:
        return f"{numbered(self.subject, 'sub{:02d}')}/{self.clip}"

    def frame_name(self, number: int) -> str:
        return f"{self.prefix}{self.clip}-{number:0{self.width}d}.jpg"


def write_casme(
    root: Path, rows: Sequence[CasmeRow] | None = None, *, header: Sequence[str | None] = HEADER, frames: str = FRAMES
) -> Path:
    """Write sheet and frames under ``root`` and return it. The frames' numbers are padded to a row's ``width``."""
    rows = [CasmeRow(), CasmeRow(2, "EP03_1", width=3, emotion="tense")] if rows is None else rows
    write_workbook(root / SHEET, {"Sheet1": [header, *(row.cells for row in rows)], "Sheet2": []})
    write_frames(root / frames, rows)
    return root
