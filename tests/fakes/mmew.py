"""MMEW's layouts: clips under their emotion, or under their subject and emotion."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.coded import CodedFake, numbered, write_frames
from tests.fakes.workbook import Cell, write_workbook

SHEET = "MMEW_Micro_Exp.xlsx"
FRAMES = "Micro_Expression"
HEADER = (
    *("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion", "remarks"),
)


@dataclass(frozen=True)
class MmewRow(CodedFake):
    """One row of the sheet, its subject a number. ``place`` is the emotion's folder where it has another name."""

    subject: Cell = 3
    clip: Cell = "S03-01-002"
    onset: Cell = 1
    apex: Cell = 4
    offset: Cell = 6
    place: str = ""
    by_subject: bool = False

    @property
    def cells(self) -> tuple[Cell, ...]:
        frames = (self.onset, self.apex, self.offset)
        return self.subject, self.clip, *frames, self.units, self.emotion, None

    @property
    def folder(self) -> str:
        parent = f"{numbered(self.subject, 'S{:02d}')}/" if self.by_subject else ""
        return f"{parent}{self.place or str(self.emotion).strip().lower()}/{self.clip}"


def write_mmew(
    root: Path, rows: Sequence[MmewRow] | None = None, *, header: Sequence[str | None] = HEADER, frames: str = FRAMES
) -> Path:
    """Write sheet and frames under ``root`` and return it."""
    rows = [MmewRow(), MmewRow(12, "S12-06-001", units=4, emotion="Others")] if rows is None else rows
    write_workbook(root / SHEET, {"Sheet1": [header, *(row.cells for row in rows)]})
    write_frames(root / frames, rows)
    return root
