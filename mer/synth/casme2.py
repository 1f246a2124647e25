"""Synthetic clips in CASME II's layout on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import pandas as pd
from openpyxl import Workbook

from mer.synth.corpus import Progress, write_corpus
from mer.synth.emotions import DISGUST, HAPPINESS, OTHERS, REPRESSION, SURPRISE, Emotion
from mer.synth.layout import Row
from mer.synth.settings import Choices, Settings
from mer.synth.workbook import workbook_bytes

SHEET_NAME = "CASME2-coding-20140508.xlsx"
# The two blank headers are the distributed file's own.
HEADER = (
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
    *("Action Units", "Estimated Emotion"),
)
CLIPS_PER_EPISODE = 3  # EP01_01f, EP01_02f, EP01_03f, EP02_01f, ...
EMOTIONS = {
    "disgust": Emotion(DISGUST, 63, is_leading=True),
    "happiness": Emotion(HAPPINESS, 32, is_leading=True),
    "surprise": Emotion(SURPRISE, 25, is_leading=True),
    "repression": Emotion(REPRESSION, 27),
    "others": Emotion(OTHERS, 99),
}


@dataclass(frozen=True)
class Casme2Layout:
    """``CASME2-RAW/sub01/EP01_01f/img46.jpg`` and the coding sheet of 2014-05-08."""

    name: str = "casme2"
    fps: float = 200.0
    is_grey: bool = False
    onsets: tuple[int, int] = (1, 400)

    @property
    def emotions(self) -> Mapping[str, Emotion]:
        return EMOTIONS

    @property
    def description(self) -> str:
        return f"""The layout is CASME II's: CASME2-RAW/sub01/EP01_01f/img46.jpg (200 fps, the number is the frame's)
and {SHEET_NAME}. Sadness and fear (9 of 255 clips there) are left out.
"""

    @property
    def words(self) -> str:
        return "dataset=casme2"

    def names(self, subject: int, clip: int, emotions: Sequence[str]) -> tuple[str, str]:
        episode, take = divmod(clip - 1, CLIPS_PER_EPISODE)
        return f"sub{subject:02d}", f"EP{episode + 1:02d}_{take + 1:02d}f"

    def frame_path(self, row: Row, number: int) -> str:
        return f"CASME2-RAW/{row.subject}/{row.clip}/img{number}.jpg"

    def sheet(self, rows: Sequence[Row]) -> tuple[str, bytes]:
        """Sheet1 with ``rows``, then blank Sheet2 and Sheet3 as in the distributed file."""
        book = Workbook()
        sheet = book.worksheets[0]
        sheet.title = "Sheet1"
        sheet.append(HEADER)
        for row in rows:
            # The distributed sheet holds a single unit as a number, several as text.
            units = int(row.action_units) if row.action_units.isdigit() else row.action_units
            frames = (row.onset, row.apex, row.offset)
            sheet.append((f"{row.number:02d}", row.clip, None, *frames, None, units, row.emotion))
            sheet.cell(sheet.max_row, 1).number_format = "@"
        book.create_sheet("Sheet2")
        book.create_sheet("Sheet3")
        return SHEET_NAME, workbook_bytes(book)


def write_casme2(out: Path | str, *, progress: Progress | None = None, **choices: Unpack[Choices]) -> pd.DataFrame:
    """Write synthetic micro-expression clips of five emotions as CASME II lays them out.

    The same arguments write the same bytes, and a clip does not depend on how many others are written. A
    folder that the same arguments wrote before is written again, which completes one that was cut off. A
    subject's first three clips show disgust, happiness and surprise, the next two repression and others.

    Args:
        out: folder to write to; new, empty, or written before with the same arguments.
        progress: called with (clips done, clips in all) after each clip.
        **choices: see ``Settings``.

    Returns:
        One row a clip: dataset, subject (``sub01``), clip, onset, apex, offset (frame numbers), action_units
        (``6+12``), emotion, peak_px (longest displacement of its action units).

    Raises:
        MerError: an argument is out of bounds, or ``out`` holds anything else.
    """
    return write_corpus(out, Casme2Layout(), Settings(**choices), progress)  # type: ignore[arg-type]
