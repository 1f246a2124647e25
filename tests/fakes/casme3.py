"""CAS(ME)^3's layouts: part A by recording or packed by clip, sheet or CSV; part C without apex frames."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.coded import CodedFake, write_frames
from tests.fakes.workbook import Cell, write_workbook

SHEET_A = "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
SHEET_C = "CAS(ME)3_part_C_ME.xlsx"
FRAMES_A = "ME_A"
FRAMES_C = "ME_C"
PACKED = "Part_A_ME_clip/frame"
HEADER_A = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")
HEADER_C = ("sub", "count", "onset", "offset", "au", "emotion", "risk")


@dataclass(frozen=True)
class Casme3Row(CodedFake):
    """One row of part A. ``place`` is the clip's folder where it is not spelled as the sheet has it."""

    subject: Cell = "spNO.1"
    clip: Cell = "b"
    onset: Cell = 166
    apex: Cell = 169
    offset: Cell = 171
    emotion: Cell = "Happy"
    objective: Cell = "III"
    place: str = ""

    @property
    def cells(self) -> tuple[Cell, ...]:
        frames = (self.onset, self.apex, self.offset)
        return self.subject, self.clip, *frames, self.units, self.objective, self.emotion

    @property
    def folder(self) -> str:
        return self.place or f"{self.subject}/{self.clip}/color"


@dataclass(frozen=True)
class Casme3CRow(CodedFake):
    """One row of part C, subject and clip numbers. ``place`` is the clip's folder where it is another."""

    subject: Cell = 4
    clip: Cell = 1
    emotion: Cell = "sad"
    place: str = ""

    @property
    def cells(self) -> tuple[Cell, ...]:
        return self.subject, self.clip, self.onset, self.offset, self.units, self.emotion, "high"

    @property
    def folder(self) -> str:
        return self.place or f"{self.subject}/{self.clip}/color"


def write_casme3(
    root: Path,
    rows: Sequence[Casme3Row] | None = None,
    *,
    header: Sequence[str | None] = HEADER_A,
    frames: str = FRAMES_A,
    sheet: str = SHEET_A,
) -> Path:
    """Write part A's sheet, a workbook or a CSV by its ending, and frames under ``root`` and return it."""
    # Two movements of one recording: its name alone is no key.
    rows = [Casme3Row(), Casme3Row(onset=180, apex=185, offset=186, emotion="disgust")] if rows is None else rows
    table = [header, *(row.cells for row in rows)]
    if sheet.endswith(".csv"):
        root.mkdir(parents=True, exist_ok=True)
        with (root / sheet).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(table)
    else:
        write_workbook(root / sheet, {"Sheet1": table})
    write_frames(root / frames, rows)
    return root


def write_casme3_c(
    root: Path,
    rows: Sequence[Casme3CRow] | None = None,
    *,
    header: Sequence[str | None] = HEADER_C,
    frames: str = FRAMES_C,
) -> Path:
    """Write part C's sheet and frames under ``root`` and return it."""
    rows = [Casme3CRow(), Casme3CRow(11, 2, units="4，7", emotion="Fear")] if rows is None else rows  # noqa: RUF001
    write_workbook(root / SHEET_C, {"Sheet1": [header, *(row.cells for row in rows)]})
    write_frames(root / frames, rows)
    return root
