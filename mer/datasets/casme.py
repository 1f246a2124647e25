"""CASME, as distributed: coding sheet and selected raw frames."""

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
    "onset": ("OnsetF", "OnsetFrame"),
    "apex": ("ApexF1", "ApexFrame"),
    "offset": ("OffsetF", "OffsetFrame"),
    "action_units": ("AU", "Action Units"),
    "label": ("Emotion", "Estimated Emotion"),
}


class Casme(CodedDataset):
    """CASME: spontaneous micro-expressions at 60 fps, 1280x720 (class A) and 640x480 (class B), 19 subjects.

    Layout: ``casme.xlsx`` (Subject, Filename, OnsetF, ApexF1, ApexF2, OffsetF, AU, Emotion; CASME II's headers are
    accepted too) beside ``CASME_raw_selected/sub01/EP01_12/EP01_12-57.jpg``; cropped frames
    (``frames=Cropped``) are ``Cropped/sub01/EP01_12/reg_EP01_12-57.jpg``. The number after the dash is the sheet's
    frame, padded in some clips. The paper counts 195 clips; the sheet in circulation has 189 rows, whose counts per
    class and subject no public source that we read gives.

    The layout is second-hand: known from public readers of the data, not from the data themselves.

    Source: Yan et al., FG 2013, doi 10.1109/FG.2013.6553799.

    Args:
        root: folder that holds the sheet and the frames' folder.
        frames: the frames' folder inside ``root``.
        sheet: the sheet's file name inside ``root``.
        **reading: as in ``CodedDataset``.
    """

    name = "casme"
    title = "CASME"
    fps = 60.0

    def __init__(
        self, root: str | Path | None, frames: str = "CASME_raw_selected", sheet: str = "casme.xlsx", **reading: Any
    ) -> None:
        super().__init__(root, frames, sheet, **reading)

    def _rows(self, tree: DatasetTree) -> Iterator[CodedRow]:
        for record in read_sheet(tree.file(str(self.sheet)), _COLUMNS, optional=("action_units",)):
            subject, _ = numbered_name(record["subject"], "sub{:02d}")  # a number in the sheet as distributed
            yield coded_row(record, subject)
