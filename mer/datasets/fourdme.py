"""4DME, micro-expressions seen by the grey camera."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mer.datasets.coded import CodedDataset
from mer.datasets.rows import CodedRow, coded_row
from mer.datasets.sheet import read_sheet
from mer.datasets.tree import DatasetTree

_COLUMNS = {
    "subject": ("sub_ID",),
    "clip": ("fold_name",),
    "onset": ("Onset",),
    "apex": ("Apex",),
    "offset": ("Offset",),
    "action_units": ("AUs",),
    "label": ("Emotion",),
}
_SESSION = re.compile(r"(S\d+)_(?:1st|2nd|\d)$", re.IGNORECASE)


class FourDme(CodedDataset):
    """4DME: 4D and 2D recordings; here the 267 micro-expressions of the grey camera, 60 fps, 640x480.

    Layout: ``4DME_Labelling_Micro_release v1.xlsx`` (sub_ID, fold_name, Onset, Apex, Offset, AUs, Emotion) beside
    ``gray_micro/<sub_ID>/<fold_name>/<n>.jpg``; later releases name the frames' folder ``micro_short_gray_video``
    (``frames=``). A clip may carry two emotions, ``Surprise+Positive``; the label is then both, in alphabetical
    order. An action unit marked ``(k)`` is one that does not move. ``S13_1st`` and ``S13_2nd`` are two sessions of
    one person, so they are one subject here, and LOSO never trains on the one and tests on the other. Clips a
    subject: not published in a table that we read.

    The layout is second-hand: known from public readers of the data, not from the data themselves.

    Source: Li et al., TAFFC 14(4), 2023, doi 10.1109/TAFFC.2022.3182342.

    Args:
        root: folder that holds the sheet and the frames' folder.
        frames: the frames' folder inside ``root``.
        sheet: the sheet's file name inside ``root``.
        **reading: as in ``CodedDataset``.
    """

    name = "fourdme"
    title = "4DME"
    fps = 60.0

    def __init__(
        self,
        root: str | Path | None,
        frames: str = "gray_micro",
        sheet: str = "4DME_Labelling_Micro_release v1.xlsx",
        **reading: Any,
    ) -> None:
        super().__init__(root, frames, sheet, **reading)

    def _rows(self, tree: DatasetTree) -> Iterator[CodedRow]:
        for record in read_sheet(tree.file(str(self.sheet)), _COLUMNS, optional=("action_units",)):
            session = _SESSION.match(record["subject"])
            person = session[1] if session else record["subject"]
            emotions = sorted(part.strip().lower() for part in record["label"].split("+"))
            yield coded_row(
                record,
                person,
                label="+".join(emotions),
                folder=f"{record['subject']}/{record['clip']}",
                repairs=(f"session {record['subject']} belongs to subject {person}",) if session else (),
            )
