"""Synthetic clips in SAMM's layout on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import pandas as pd
from openpyxl import Workbook

from mer.action_units import objective_class, parse_action_units
from mer.synth.corpus import Progress, write_corpus
from mer.synth.emotions import ANGER, CONTEMPT, DISGUST, FEAR, HAPPINESS, OTHERS, SADNESS, SURPRISE, Emotion
from mer.synth.layout import Row
from mer.synth.settings import Choices, Settings
from mer.synth.workbook import workbook_bytes

SHEET_NAME = "SAMM_Micro_FACS_Codes_v2.xlsx"
PREAMBLE_ROWS = 13
HEADER = (
    *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration"),
    *("Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"),
)
FIRST_SUBJECT = 6
CLIPS_PER_INDUCEMENT = 3  # 006_1_1, 006_1_2, 006_1_3, 006_2_1, ...
FRAME_SIZE = (1020, 544)  # half of SAMM's 2040x1088: a quarter of the time
EMOTIONS = {
    "Anger": Emotion(ANGER, 57, is_leading=True),
    "Happiness": Emotion(HAPPINESS, 26, is_leading=True),
    "Surprise": Emotion(SURPRISE, 15, is_leading=True),
    "Contempt": Emotion(CONTEMPT, 12),
    "Disgust": Emotion(DISGUST, 9),
    "Fear": Emotion(FEAR, 8),
    "Sadness": Emotion(SADNESS, 6),
    "Other": Emotion(OTHERS, 26),
}
_OBJECTIVE = ("", "I", "II", "III", "IV", "V", "VI", "VII")


@dataclass(frozen=True)
class SammLayout:
    """``006/006_1_2/006_05562.jpg``, grey, and the sheet of micro-movement codes."""

    name: str = "samm"
    fps: float = 200.0
    is_grey: bool = True
    onsets: tuple[int, int] = (1, 9000)

    @property
    def emotions(self) -> Mapping[str, Emotion]:
        return EMOTIONS

    @property
    def description(self) -> str:
        return f"""The layout is SAMM's: 006/006_1_2/006_05562.jpg (grey, 200 fps, the last number is the frame's)
and {SHEET_NAME}, worksheet MICRO_ONLY. SAMM's own frames are 2040x1088.
"""

    @property
    def words(self) -> str:
        return "dataset=samm"

    def names(self, subject: int, clip: int, emotions: Sequence[str]) -> tuple[str, str]:
        inducement, take = divmod(clip - 1, CLIPS_PER_INDUCEMENT)
        name = f"{subject + FIRST_SUBJECT - 1:03d}"
        return name, f"{name}_{inducement + 1}_{take + 1}"

    def frame_path(self, row: Row, number: int) -> str:
        digits = 4 + row.number % 2  # padding differs between subjects there too
        return f"{row.subject}/{row.clip}/{row.subject}_{number:0{digits}d}.jpg"

    def sheet(self, rows: Sequence[Row]) -> tuple[str, bytes]:
        """Worksheet MICRO_ONLY: ``PREAMBLE_ROWS`` rows of text, the header, then ``rows``."""
        book = Workbook()
        sheet = book.worksheets[0]
        sheet.title = "MICRO_ONLY"
        sheet.append(("Synthetic micro-movements in the layout of SAMM's FACS codes",))
        sheet.cell(PREAMBLE_ROWS, 1, "Frames are at 200 fps")
        sheet.append(HEADER)
        for row in rows:
            sheet.append(_cells(row))
            sheet.cell(sheet.max_row, 1).number_format = "@"
        return SHEET_NAME, workbook_bytes(book)


def _cells(row: Row) -> tuple[int | str | None, ...]:
    objective = _OBJECTIVE.index(objective_class(parse_action_units(row.action_units)))
    units = int(row.action_units) if row.action_units.isdigit() else row.action_units
    inducement = int(row.clip.split("_")[1])
    frames = (row.onset, row.apex, row.offset, row.offset - row.onset + 1)
    return (row.subject, row.clip, inducement, *frames, "Micro", units, row.emotion, objective, None)


def write_samm(out: Path | str, *, progress: Progress | None = None, **choices: Unpack[Choices]) -> pd.DataFrame:
    """Write synthetic micro-expression clips as SAMM lays them out; the rest is as in ``write_casme2``.

    Args:
        out: folder to write to; new, empty, or written before with the same arguments.
        progress: called with (clips done, clips in all) after each clip.
        **choices: see ``Settings``; ``frame_size`` is (1020, 544) unless given.

    Returns:
        One row a clip: dataset, subject (``006``), clip (``006_1_2``), onset, apex, offset, action_units, emotion,
        peak_px.

    Raises:
        MerError: an argument is out of bounds, or ``out`` holds anything else.
    """
    return write_corpus(out, SammLayout(), Settings(**{"frame_size": FRAME_SIZE, **choices}), progress)  # type: ignore[arg-type]
