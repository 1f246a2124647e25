"""Clips of one's own, listed in one CSV file."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mer.datasets.coded import CodedDataset
from mer.datasets.rows import FIRST, LAST, CodedRow
from mer.datasets.sheet import Record, read_sheet
from mer.datasets.tree import DatasetTree
from mer.frames import VIDEO_SUFFIXES, video_fps

_COLUMNS = {
    "dataset": ("dataset",),
    "subject": ("subject",),
    "clip": ("clip",),
    "path": ("path",),
    "fps": ("fps",),
    "onset": ("onset",),
    "apex": ("apex",),
    "offset": ("offset",),
    "label": ("label",),
    "action_units": ("action_units",),
    "objective_class": ("objective_class",),
}
_OPTIONAL = ("fps", "onset", "apex", "offset", "action_units", "objective_class")
_DATASET = re.compile(r"[A-Za-z0-9_]+")


class Folder(CodedDataset):
    """Any clips, listed in ``clips.csv``: dataset, subject, clip, path, fps, onset, apex, offset, label.

    ``path`` is a folder of numbered frames or a video (mp4, avi, mov), relative to ``root`` or absolute. Numbers are
    those in the frames' names; a video's frames count from ``first_video_frame``. Columns ``onset`` and ``offset``, or
    single cells of them, may be left out: the first and last frame; without ``apex`` the apex step chooses; a video
    tells its own ``fps``. ``action_units`` and ``objective_class`` may be added. Equal subject names in two values of
    ``dataset`` are two people.

    Args:
        root: folder of the list.
        sheet: the list's name inside ``root``.
        follow_links: use clips outside ``root`` too, named by their absolute path or by a link; the list is one's own.
        **reading: as in ``CodedDataset``.
    """

    name = "folder"
    title = "one's own clips"
    fps = math.nan

    def __init__(
        self, root: str | Path | None, sheet: str = "clips.csv", follow_links: bool = True, **reading: Any
    ) -> None:
        super().__init__(root, frames=".", sheet=sheet, follow_links=follow_links, **reading)

    def _rows(self, tree: DatasetTree) -> Iterator[CodedRow]:
        for record in read_sheet(tree.file(str(self.sheet)), _COLUMNS, optional=_OPTIONAL):
            fps = _fps(record, tree.frames_root)
            yield CodedRow(
                subject=record["subject"],
                clip=record["clip"],
                label=record["label"].lower(),
                onset=record["onset"] or FIRST,
                apex=record["apex"] or None,
                offset=record["offset"] or LAST,
                folder=record["path"],
                action_units=record["action_units"],
                objective_class=record["objective_class"],
                fps=fps,
                dataset=record["dataset"],
                line=record["line"],
                refusal=_refusal(record, fps),
            )


def _fps(record: Record, root: Path) -> float:
    if record["fps"]:
        try:
            return float(record["fps"])
        except ValueError:
            return math.nan
    return video_fps(root / record["path"]) if record["path"].lower().endswith(VIDEO_SUFFIXES) else math.nan


def _refusal(record: Record, fps: float) -> str:
    if not _DATASET.fullmatch(record["dataset"]):
        return f"dataset {record['dataset']!r}: a name of letters, digits and _ is needed"
    if not record["path"]:
        return "no path"
    if not (0 < fps < math.inf):
        return f"fps {record['fps']!r} is no number of frames a second"
    return ""
