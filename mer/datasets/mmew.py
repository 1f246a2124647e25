"""MMEW, micro-expressions."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mer.datasets.coded import CodedDataset
from mer.datasets.rows import CodedRow, coded_row
from mer.datasets.sheet import numbered_name, read_sheet
from mer.datasets.tree import DatasetTree

_COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("OnsetFrame",),
    "apex": ("ApexFrame",),
    "offset": ("OffsetFrame",),
    "action_units": ("Action Units",),
    "label": ("Estimated Emotion",),
}
_SUBJECT = re.compile(r"S\d+$", re.IGNORECASE)


class Mmew(CodedDataset):
    """MMEW: micro- and macro-expressions of the same people; here the 300 micro-expressions of 36 subjects, 90 fps.

    Layout: ``MMEW_Micro_Exp.xlsx`` (Subject, Filename, OnsetFrame, ApexFrame, OffsetFrame, Action Units, Estimated
    Emotion, remarks) beside ``Micro_Expression/<emotion>/S03-01-002/1.jpg`` (faces of 231x231, numbered from 1) or, as
    the authors' page has it, ``<frames>/S03/<emotion>/S03-01-002/1.jpg``. The folder's emotion may differ from the
    sheet's (``repression`` for ``others``), so a clip is found by its name; the sheet's emotion counts. Some apex and
    offset values lie beyond the frames. Published counts: happiness 36, anger 8, surprise 89, disgust 72, fear 16,
    sadness 13, others 66; clips a subject: not published in a table.

    The layout is second-hand: known from the authors' page and public readers, not from the data themselves.

    Source: Ben et al., TPAMI 44(9), 2022, doi 10.1109/TPAMI.2021.3067464.

    Args:
        root: folder that holds the sheet and the frames' folder.
        frames: the frames' folder inside ``root``.
        sheet: the sheet's file name inside ``root``.
        **reading: as in ``CodedDataset``.
    """

    name = "mmew"
    title = "MMEW"
    fps = 90.0

    def __init__(
        self,
        root: str | Path | None,
        frames: str = "Micro_Expression",
        sheet: str = "MMEW_Micro_Exp.xlsx",
        **reading: Any,
    ) -> None:
        super().__init__(root, frames, sheet, **reading)

    def _rows(self, tree: DatasetTree) -> Iterator[CodedRow]:
        folders = _clip_folders(tree)
        for record in read_sheet(tree.file(str(self.sheet)), _COLUMNS, optional=("action_units",)):
            clip = record["clip"]
            subject, _ = numbered_name(record["subject"], "S{:02d}")
            found = folders.get(clip, [])
            yield coded_row(
                record,
                subject,
                folder=found[0] if found else f"{record['label'].lower()}/{clip}",
                refusal=f"two folders of that name, {found[0]} and {found[1]}" if len(found) > 1 else "",
            )


def _clip_folders(tree: DatasetTree) -> dict[str, list[str]]:
    """Clip's name -> its folders, whatever emotion or subject they lie under."""
    emotions = []
    for name in tree.folders(""):
        emotions += [f"{name}/{inner}" for inner in tree.folders(name)] if _SUBJECT.match(name) else [name]
    found: dict[str, list[str]] = {}
    for emotion in emotions:
        for clip in tree.folders(emotion):
            found.setdefault(clip, []).append(f"{emotion}/{clip}")
    return found
