"""4DME's layout: a wide sheet with a column for each unit and emotion, and grey frames by session."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.coded import CodedFake, write_frames
from tests.fakes.workbook import Cell, write_workbook

SHEET = "4DME_Labelling_Micro_release v1.xlsx"
FRAMES = "gray_micro"
HEADER = (
    *("fold", "sub_ID", "fold_name", "Onset", "Apex", "Offset", "AUs", "AU1", "AU2", "Emotion"),
    *("Positive", "Negative", "Surprise", "Repression", "Others", "eye blink", "Total"),
)


@dataclass(frozen=True)
class FourDmeRow(CodedFake):
    """One row of the sheet. ``pattern`` names the frames."""

    subject: Cell = "S13"
    clip: Cell = "S13_001_01_1"
    onset: Cell = 1826
    apex: Cell = 1829
    offset: Cell = 1831
    units: Cell = "4(k)+L7"
    emotion: Cell = "Positive"
    pattern: str = "{}.jpg"

    @property
    def cells(self) -> tuple[Cell, ...]:
        frames = (self.onset, self.apex, self.offset)
        return 1, self.subject, self.clip, *frames, self.units, 0, 0, self.emotion, 1, 0, 0, 0, 0, 0, 1

    @property
    def folder(self) -> str:
        return f"{self.subject}/{self.clip}"

    def frame_name(self, number: int) -> str:
        return self.pattern.format(number)


def write_fourdme(
    root: Path,
    rows: Sequence[FourDmeRow] | None = None,
    *,
    header: Sequence[str | None] = HEADER,
    frames: str = FRAMES,
) -> Path:
    """Write sheet and frames under ``root`` and return it."""
    rows = [FourDmeRow(), FourDmeRow("S14", "S14_001_01_1", emotion="Negative")] if rows is None else rows
    write_workbook(root / SHEET, {"Sheet1": [header, *(row.cells for row in rows)]})
    write_frames(root / frames, rows)
    return root
