"""CASME II's layout: the coding sheet with its blank headers and mixed cell types, and numbered raw frames."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.coded import CodedFake, numbered, write_frames, write_images
from tests.fakes.workbook import Cell, write_workbook

SHEET = "CASME2-coding-20140508.xlsx"
OBJECTIVE_SHEET = "CASME2-ObjectiveClasses.xlsx"
FRAMES = "CASME2-RAW"
HEADER = (
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
    *("Action Units", "Estimated Emotion"),
)
_EMOTIONS = ("happiness", "disgust", "surprise", "repression", "others")
_UNITS = (12, "4+7", "R1+2", "?", 4)


@dataclass(frozen=True)
class Casme2Row(CodedFake):
    """One row of the sheet, its subject as text."""

    subject: Cell = "01"
    clip: Cell = "EP01_01f"

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The sheet's nine cells."""
        frames = (self.onset, self.apex, self.offset)
        return self.subject, self.clip, None, *frames, None, self.units, self.emotion

    @property
    def folder(self) -> str:
        return f"{numbered(self.subject, 'sub{:02d}')}/{self.clip}"

    def frame_name(self, number: int) -> str:
        return f"img{number}.jpg"


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
    write_frames(root / FRAMES, rows, size_px)
    for subject, clip, numbers in extra_frames:
        write_images(root / FRAMES / subject / clip, [f"img{number}.jpg" for number in numbers], size_px)
    return root


def write_sheet(path: Path, rows: Iterable[Sequence[Cell]], header: Sequence[str | None] = HEADER) -> None:
    """Write the workbook: Sheet1 with ``rows``, and a blank Sheet2 as the distributed file has."""
    write_workbook(path, {"Sheet1": [header, *rows], "Sheet2": []})


def write_objective_sheet(path: Path, rows: Iterable[tuple[Cell, Cell, Cell]]) -> None:
    """Write the objective classes, (subject, clip, class), and the second worksheet with its leftovers."""
    leftover = ("01", "EP02_01f", None, 46, 59, 86, None, 12, "happiness", 46, 86, 41)
    write_workbook(path, {"Sheet1": [("Subject", "Filename", "Objective Class"), *rows], "Sheet2": [leftover]})
