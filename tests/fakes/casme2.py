"""CASME II's layout: the coding sheet with its blank headers and mixed cell types, and numbered raw frames."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from openpyxl import Workbook

SHEET = "CASME2-coding-20140508.xlsx"
FRAMES = "CASME2-RAW"
HEADER = (
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
    *("Action Units", "Estimated Emotion"),
)
_EMOTIONS = ("happiness", "disgust", "surprise", "repression", "others")
_UNITS = (12, "4+7", "R1+2", "?", 4)

Cell = int | str | None


@dataclass(frozen=True)
class Casme2Row:
    """One row of the sheet as its cells hold it, and which frames lie on disk: None is onset..offset."""

    subject: str = "01"
    clip: str = "EP01_01f"
    onset: Cell = 3
    apex: Cell = 6
    offset: Cell = 8
    units: Cell = "4+7"
    emotion: str = "happiness"
    on_disk: Iterable[int] | None = None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The sheet's nine cells."""
        frames = (self.onset, self.apex, self.offset)
        return self.subject, self.clip, None, *frames, None, self.units, self.emotion

    @property
    def frame_numbers(self) -> list[int]:
        """Numbers of the frames on disk."""
        if self.on_disk is not None:
            return list(self.on_disk)
        return list(range(int(self.onset or 0), int(self.offset or 0) + 1))


def casme2_rows(subjects: int = 2, clips_per_subject: int = 2) -> list[Casme2Row]:
    """Rows that need no repair: emotions in turn, onset, apex and offset another for each clip."""
    names = [(subject, clip) for subject in range(subjects) for clip in range(clips_per_subject)]
    return [
        Casme2Row(
            subject=f"{subject + 1:02d}",
            clip=f"EP{clip + 1:02d}_01f",
            onset=8 + number,
            apex=11 + number,
            offset=12 + number,
            units=_UNITS[number % len(_UNITS)],
            emotion=_EMOTIONS[number % len(_EMOTIONS)],
        )
        for number, (subject, clip) in enumerate(names)
    ]


def write_casme2(
    root: Path,
    rows: Sequence[Casme2Row] | None = None,
    *,
    header: Sequence[str | None] = HEADER,
    extra_frames: Iterable[tuple[str, str, Iterable[int]]] = (),
    size_px: tuple[int, int] = (64, 48),
) -> Path:
    """Write sheet and frames under ``root`` and return it.

    Args:
        root: folder, made here.
        rows: the sheet's rows; default ``casme2_rows()``.
        header: the sheet's first row.
        extra_frames: (``sub24``, ``EP02_07``, numbers) of clips that the sheet does not list.
        size_px: width and height of the frames.
    """
    rows = casme2_rows() if rows is None else rows
    write_sheet(root / SHEET, [row.cells for row in rows], header)
    (root / FRAMES).mkdir(exist_ok=True)
    listed = [(f"sub{int(row.subject):02d}", row.clip, row.frame_numbers) for row in rows]
    noise = np.random.default_rng(0)
    for subject, clip, numbers in [*listed, *extra_frames]:
        folder = root / FRAMES / subject / clip
        folder.mkdir(parents=True)
        for number in numbers:
            frame = noise.integers(0, 256, (size_px[1], size_px[0], 3), np.uint8)
            cv2.imwrite(str(folder / f"img{number}.jpg"), frame)
    return root


def write_sheet(path: Path, rows: Iterable[Sequence[Cell]], header: Sequence[str | None] = HEADER) -> None:
    """Write the workbook: Sheet1 with ``rows``, and a blank Sheet2 as the distributed file has."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Sheet1"
    sheet.append(list(header))
    for row in rows:
        sheet.append(list(row))
    book.create_sheet("Sheet2")
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
