"""Synthetic clips in the layouts of SMIC's high-speed camera."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import pandas as pd
from openpyxl import Workbook

from mer.errors import MerError, require_choice
from mer.synth.corpus import Progress, write_corpus
from mer.synth.emotions import ANGER, DISGUST, FEAR, HAPPINESS, SADNESS, SURPRISE, Emotion
from mer.synth.layout import Row
from mer.synth.settings import Choices, Settings
from mer.synth.workbook import workbook_bytes

SHEET_NAME = "SMIC-HS-E_annotation.xlsx"
HS_HEADER = (
    *("Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F", "Onset3F", "Offset3F", None),
    *("FirstF", "LastF", "TotalMF1", "TotalMF2", "TotalMF3", "TotalVL", "Emotion"),
)
VIS_HEADER = (
    *("Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F", None),
    *("FirstF", "TotalMF1", "TotalMF2", "TotalVL", "Emotion"),
)
LAYOUTS = ("all", "long")
IN_NAME = {"negative": "ne", "positive": "po", "surprise": "sur"}
EMOTIONS = {
    "negative": Emotion((*DISGUST, *SADNESS, *FEAR, *ANGER), 70, is_leading=True),
    "positive": Emotion(HAPPINESS, 51, is_leading=True),
    "surprise": Emotion(SURPRISE, 43, is_leading=True),
}


@dataclass(frozen=True)
class SmicLayout:
    """``SMIC_all_raw/HS/...`` (onset to offset alone) or ``HS_long/SMIC_HS_E/...`` (frames around them too).

    Attributes:
        layout: ``all`` or ``long``.
        extra_frames: frames on disk before onset and after offset.
    """

    layout: str
    extra_frames: int
    name: str = "smic"
    fps: float = 100.0
    is_grey: bool = False
    onsets: tuple[int, int] = (100_000, 20_000_000)

    def __post_init__(self) -> None:
        require_choice("layout", self.layout, LAYOUTS)
        if self.layout == "all" and self.extra_frames:
            got = f"extra_frames={self.extra_frames}"
            raise MerError("folders of onset to offset in layout all", got, "set layout=long or extra_frames=0")

    @property
    def emotions(self) -> Mapping[str, Emotion]:
        return EMOTIONS

    @property
    def description(self) -> str:
        return f"""The layout is SMIC's (HS, 100 fps): {self._example()}
and {SHEET_NAME}. The number is the frame's. The distributed sheet holds OffsetF, FirstF, LastF and TotalVL
as formulas, this one as values; its worksheet VIS has no rows. SMIC codes neither apex nor action units: truth.csv.
"""

    def _example(self) -> str:
        if self.layout == "all":
            return "SMIC_all_raw/HS/s1/micro/negative/s1_ne_01/image185126.jpg"
        return "HS_long/SMIC_HS_E/s01/s01_ne_01/image185126.jpg"

    @property
    def words(self) -> str:
        return "dataset=smic" if self.layout == "all" else "dataset=smic dataset.frames=HS_long/SMIC_HS_E"

    def names(self, subject: int, clip: int, emotions: Sequence[str]) -> tuple[str, str]:
        emotion = emotions[clip - 1]
        return f"s{subject:02d}", f"s{subject:02d}_{IN_NAME[emotion]}_{emotions[:clip].count(emotion):02d}"

    def frame_path(self, row: Row, number: int) -> str:
        if self.layout == "all":
            folder = f"SMIC_all_raw/HS/s{row.number}/micro/{row.emotion}/{_short(row)}"
        else:
            folder = f"HS_long/SMIC_HS_E/{row.subject}/{row.clip}"
        return f"{folder}/image{number}.jpg"

    def sheet(self, rows: Sequence[Row]) -> tuple[str, bytes]:
        """Worksheet HS with ``rows``; VIS with headers alone; blank Sheet2 and Sheet3 as in the distributed file."""
        book = Workbook()
        sheet = book.worksheets[0]
        sheet.title = "HS"
        sheet.append(HS_HEADER)
        for row in rows:
            sheet.append(self._cells(row))
        book.create_sheet("VIS").append(VIS_HEADER)
        book.create_sheet("Sheet2")
        book.create_sheet("Sheet3")
        return SHEET_NAME, workbook_bytes(book)

    def _cells(self, row: Row) -> tuple[int | str | None, ...]:
        first, last = row.onset - self.extra_frames, row.offset + self.extra_frames
        moving, none = row.offset - row.onset + 1, (None,)
        interval = (row.number, _short(row), None, row.onset, row.offset, *4 * none, None)
        return (*interval, first, last, moving, *2 * none, last - first + 1, row.emotion)


def _short(row: Row) -> str:
    """A clip as the sheet and the folders spell it, ``s1_ne_01``."""
    return f"s{row.number}_{row.clip.partition('_')[2]}"


def write_smic(
    out: Path | str, *, layout: str = "all", progress: Progress | None = None, **choices: Unpack[Choices]
) -> pd.DataFrame:
    """Write synthetic micro-expression clips as SMIC-HS lays them out; the rest is as in ``write_casme2``.

    Args:
        out: folder to write to; new, empty, or written before with the same arguments.
        layout: ``all`` (``SMIC_all_raw``, onset to offset) or ``long`` (``HS_long``, with ``extra_frames``).
        progress: called with (clips done, clips in all) after each clip.
        **choices: see ``Settings``.

    Returns:
        One row a clip: dataset, subject (``s01``), clip (``s01_ne_01``), onset, apex, offset, action_units,
        emotion, peak_px.

    Raises:
        MerError: an argument is out of bounds, or ``out`` holds anything else.
    """
    settings = Settings(**choices)  # type: ignore[arg-type]
    return write_corpus(out, SmicLayout(layout, settings.extra_frames), settings, progress)
