"""SAMM's layout: a worksheet with thirteen rows above its header, and frames padded to various widths."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.coded import CodedFake, numbered, write_frames
from tests.fakes.workbook import Cell, write_workbook

SHEET = "SAMM_Micro_FACS_Codes_v2.xlsx"
HEADER = (
    *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro"),
    *("Action Units", "Estimated Emotion", "Objective Classes", "Notes"),
)
_PREAMBLE: tuple[tuple[Cell, ...], ...] = (
    ("SAMM: Spontaneous Actions and Micro-Movements",),
    (),
    ("Subject", "the participant's number"),
    *((f"Note {number}",) for number in range(9)),
    (),
)


@dataclass(frozen=True)
class SammRow(CodedFake):
    """One row of the sheet, its subject as text."""

    subject: Cell = "006"
    clip: Cell = "006_1_2"
    onset: Cell = 5562
    apex: Cell = 5565
    offset: Cell = 5567
    emotion: Cell = "Happiness"
    objective: Cell = "I"
    width: int = 5

    @property
    def cells(self) -> tuple[Cell, ...]:
        frames = (self.onset, self.apex, self.offset)
        coded = (self.units, self.emotion, self.objective)
        return self.subject, self.clip, 1, *frames, 6, "1/2", *coded, None

    @property
    def folder(self) -> str:
        return f"{numbered(self.subject, '{:03d}')}/{self.clip}"

    def frame_name(self, number: int) -> str:
        return f"{numbered(self.subject, '{:03d}')}_{number:0{self.width}d}.jpg"


def write_samm(
    root: Path, rows: Sequence[SammRow] | None = None, *, header: Sequence[str | None] = HEADER, frames: str = "."
) -> Path:
    """Write sheet and frames under ``root`` and return it. The frames' numbers are padded to a row's ``width``."""
    second = SammRow("007", "007_3_1", 98, 100, 102, units="(R6 or R12)+R15", emotion="Other", objective=7, width=4)
    rows = [SammRow(), second] if rows is None else rows
    write_workbook(root / SHEET, {"MICRO_ONLY": [*_PREAMBLE, header, *(row.cells for row in rows)]})
    write_frames(root / frames, rows)
    return root
