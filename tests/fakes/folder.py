"""Clips of one's own: ``clips.csv`` and a folder of frames or a video a clip."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.coded import CodedFake, write_frames
from tests.fakes.workbook import Cell

SHEET = "clips.csv"
HEADER = ("dataset", "subject", "clip", "path", "fps", "onset", "apex", "offset", "label", "action_units")


@dataclass(frozen=True)
class FolderRow(CodedFake):
    """One row of the list. ``path`` is the clip's folder or video where it is not subject/clip."""

    subject: Cell = "anna"
    clip: Cell = "smile"
    dataset: Cell = "lab"
    path: Cell = None
    fps: Cell = 120

    @property
    def cells(self) -> tuple[Cell, ...]:
        named = (self.dataset, self.subject, self.clip, self.folder if self.path is None else self.path, self.fps)
        return *named, self.onset, self.apex, self.offset, self.emotion, self.units

    @property
    def folder(self) -> str:
        return f"{self.subject}/{self.clip}"


def write_folder(
    root: Path,
    rows: Sequence[FolderRow] | None = None,
    *,
    header: Sequence[str | None] = HEADER,
    columns: Sequence[str | None] | None = None,
) -> Path:
    """Write list and frames under ``root`` and return it.

    Args:
        root: folder, made here.
        rows: the list's rows.
        header: names of the columns.
        columns: those of ``header`` to write; default: all.
    """
    rows = [FolderRow(), FolderRow("ben", "frown", emotion="disgust")] if rows is None else rows
    kept = [place for place, name in enumerate(header) if columns is None or name in columns]
    root.mkdir(parents=True, exist_ok=True)
    with (root / SHEET).open("w", newline="", encoding="utf-8") as file:
        for cells in [header, *(row.cells for row in rows)]:
            csv.writer(file).writerow([cells[place] for place in kept])
    write_frames(root, [row for row in rows if row.path is None])
    return root
