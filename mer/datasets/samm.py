"""SAMM, as distributed: micro-expression codes and greyscale frames."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mer.datasets.coded import CodedDataset
from mer.datasets.rows import CodedRow, coded_row
from mer.datasets.sheet import numbered_name, objective_class, read_sheet
from mer.datasets.tree import DatasetTree

_COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("Onset Frame",),
    "apex": ("Apex Frame",),
    "offset": ("Offset Frame",),
    "action_units": ("Action Units",),
    "label": ("Estimated Emotion",),
    "objective_class": ("Objective Classes",),
}


class Samm(CodedDataset):
    """SAMM: spontaneous micro-movements, 29 subjects with clips, 200 fps, recorded at 2040x1088.

    Layout: ``SAMM_Micro_FACS_Codes_v2.xlsx`` (worksheet MICRO_ONLY, 13 rows above the header: Subject, Filename,
    Inducement Code, Onset Frame, Apex Frame, Offset Frame, Duration, Micro, Action Units, Estimated Emotion,
    Objective Classes, Notes; 159 rows: anger 57, happiness 26, other 26, surprise 15, contempt 12, disgust 9, fear 8,
    sadness 6) beside ``006/006_1_2/006_05562.jpg``, the last number being the sheet's frame, padded to various
    widths. Subjects are three digits, ``006``. Clips a subject: not published in a table.

    Source: Davison et al., TAFFC 9(1), 2018, doi 10.1109/TAFFC.2016.2573832. The sheet's layout is known from public
    readers of it; in 028_4_1 and 032_3_1 they report an apex outside the clip, which is left to ``apex=`` here.

    Args:
        root: folder that holds the sheet and the subjects' folders.
        frames: folder inside ``root`` that holds the subjects' folders.
        sheet: the sheet's file name inside ``root``.
        **reading: as in ``CodedDataset``.
    """

    name = "samm"
    title = "SAMM"
    fps = 200.0

    def __init__(
        self,
        root: str | Path | None,
        frames: str = ".",
        sheet: str = "SAMM_Micro_FACS_Codes_v2.xlsx",
        **reading: Any,
    ) -> None:
        super().__init__(root, frames, sheet, **reading)

    def _rows(self, tree: DatasetTree) -> Iterator[CodedRow]:
        for record in read_sheet(tree.file(str(self.sheet)), _COLUMNS, optional=("objective_class",)):
            subject, repair = numbered_name(record["subject"], "{:03d}")
            yield coded_row(
                record,
                subject,
                objective_class=objective_class(record["objective_class"]),
                repairs=(repair,) if repair else (),
            )
