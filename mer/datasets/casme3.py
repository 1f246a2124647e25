"""CAS(ME)^3, parts A and C."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mer.datasets.coded import CodedDataset
from mer.datasets.rows import CodedRow, coded_row
from mer.datasets.sheet import Record, numbered_name, objective_class, read_sheet, whole_number
from mer.datasets.tree import DatasetTree
from mer.errors import require_choice

_COLUMNS_A = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("Onset",),
    "apex": ("Apex",),
    "offset": ("Offset",),
    "action_units": ("AU",),
    "objective_class": ("Objective class",),
    "label": ("emotion",),
}
_COLUMNS_C = {
    "subject": ("sub",),
    "clip": ("count",),
    "onset": ("onset",),
    "offset": ("offset",),
    "action_units": ("au",),
    "label": ("emotion",),
}
_FRAMES = {"A": "ME_A", "C": "ME_C"}
_SHEETS = {"A": "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", "C": "CAS(ME)3_part_C_ME.xlsx"}
_NAMES = {"A": "casme3", "C": "casme3_c"}
_SUBJECT_A = re.compile(r"spno\.?(\d+)", re.IGNORECASE)


class Casme3(CodedDataset):
    """CAS(ME)^3: part A (spontaneous, 100 subjects recorded) and part C (mock crime, 31 subjects), 30 fps, 1280x720.

    Part A: ``cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx`` (Subject, Filename, Onset, Apex, Offset, AU, Objective
    class, emotion) or a CSV with these columns. Several movements share one Filename, so a clip is named
    ``<Filename>_<Onset>``. Frames are ``<frames>/<Subject>/<Filename>/color/<n>.jpg`` (``ME_A``; ``frames=part_A``
    for the full recordings) or ``<frames>/<Subject>_<Filename>_<Onset>/<n>.jpg``
    (``frames=Part_A_ME_clip/frame``); upper and lower case of names may differ from the sheet's. The second version
    of the sheet has 860 rows of 94 subjects. The authors call dropped frames normal, about one clip in ten has some:
    ``fill_gaps`` lets the frame before stand in.

    Part C: ``CAS(ME)3_part_C_ME.xlsx`` (sub, count, onset, offset, au, emotion; 165 rows; no apex). Frames are
    ``<frames>/<sub>/<count>/color/<n>.jpg`` (``ME_C``) or those of the whole recording,
    ``<frames>/<sub, two digits>/a/color/<n>.jpg``.

    The layout is second-hand: known from the authors' repository and public readers, not from the data themselves.

    Source: Li et al., TPAMI 45(3), 2023, doi 10.1109/TPAMI.2022.3174895.

    Args:
        root: folder that holds the sheet and the frames' folder.
        part: ``A`` or ``C``.
        frames: the frames' folder inside ``root``; None: ``ME_A`` or ``ME_C``.
        sheet: the sheet's file name inside ``root``; None: the one named above.
        **reading: as in ``CodedDataset``.
    """

    title = "CAS(ME)^3"
    fps = 30.0

    def __init__(
        self,
        root: str | Path | None,
        part: str = "A",
        frames: str | None = None,
        sheet: str | None = None,
        **reading: Any,
    ) -> None:
        self.part = require_choice("dataset.part", part, _NAMES)
        super().__init__(root, frames or _FRAMES[part], sheet or _SHEETS[part], **reading)
        self.name = _NAMES[part]  # the parts show different people

    def _rows(self, tree: DatasetTree) -> Iterator[CodedRow]:
        columns = _COLUMNS_A if self.part == "A" else _COLUMNS_C
        records = read_sheet(tree.file(str(self.sheet)), columns, optional=("action_units", "objective_class"))
        folders = _Folders(tree)
        for record in records:
            yield _row_a(record, folders) if self.part == "A" else _row_c(record, folders)


class _Folders:
    """Folders found whatever the case of their names."""

    def __init__(self, tree: DatasetTree) -> None:
        self._tree = tree
        self._names: dict[str, dict[str, str]] = {}

    def find(self, *parts: str) -> str:
        """The folder ``parts`` lead to, "" where there is none."""
        at = ""
        for part in parts:
            if at not in self._names:
                self._names[at] = {name.casefold(): name for name in self._tree.folders(at)}
            name = self._names[at].get(part.casefold())
            if name is None:
                return ""
            at = f"{at}/{name}" if at else name
        return at


def _row_a(record: Record, folders: _Folders) -> CodedRow:
    name, onset = record["clip"], whole_number(record["onset"])
    spelled = _SUBJECT_A.fullmatch(record["subject"])
    subject = f"spNO.{spelled[1]}" if spelled else record["subject"]  # one person, whatever the case
    packed = folders.find(f"{subject}_{name}_{onset}")
    return coded_row(
        record,
        subject,
        clip=f"{name}_{onset}" if name and onset is not None else name,
        folder=packed or folders.find(subject, name, "color") or f"{subject}/{name}/color",
        objective_class=objective_class(record["objective_class"]),
    )


def _row_c(record: Record, folders: _Folders) -> CodedRow:
    count = record["clip"]
    subject, _ = numbered_name(record["subject"], "{:02d}")
    bare = subject.lstrip("0")
    places = ((bare, count, "color"), (subject, count, "color"), (subject, "a", "color"), (bare, "a", "color"))
    folder = next(filter(None, (folders.find(*place) for place in places)), f"{subject}/{count}/color")
    return coded_row(record, subject, folder=folder)
