"""CASME II, as distributed: coding sheet and frames."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mer.datasets.coded import CodedDataset
from mer.datasets.rows import CodedRow, Correction, Corrections, coded_row
from mer.datasets.sheet import numbered_name, objective_class, read_sheet
from mer.datasets.tree import DatasetTree
from mer.errors import MerError

_COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("OnsetFrame",),
    "apex": ("ApexFrame",),
    "offset": ("OffsetFrame",),
    "action_units": ("Action Units",),
    "label": ("Estimated Emotion",),
}
_OBJECTIVE_COLUMNS = {"subject": ("Subject",), "clip": ("Filename",), "objective_class": ("Objective Class",)}
_SUBJECT = "sub{:02d}"
_LIST = "corrected list in circulation with MEGC2019"
# The 247 clips of the papers are the sheet's 246 five-class rows and this one.
_MISSING_ROW = CodedRow("sub24", "EP02_07", "disgust", "61", "91", "106", "sub24/EP02_07")


class Casme2(CodedDataset):
    """CASME II: spontaneous micro-expressions, 26 subjects, 200 fps, 640x480.

    Layout: ``CASME2-coding-20140508.xlsx`` (Sheet1: Subject, Filename, OnsetFrame, ApexFrame, OffsetFrame,
    Action Units, Estimated Emotion; 255 rows: others 99, disgust 63, happiness 32, repression 27, surprise 25,
    sadness 7, fear 2) beside ``CASME2-RAW/sub01/EP02_01f/img46.jpg``, the number being the sheet's frame; cropped
    frames (``frames=Cropped``) are ``Cropped/sub01/EP02_01f/reg_img46.jpg``. Clips a subject: 2 to 35.
    ``CASME2-ObjectiveClasses.xlsx`` (Subject, Filename, Objective Class 1 to 7), where it lies in ``root``, gives the
    objective classes: 25, 15, 99, 26, 20, 1, 69.

    Source: Yan et al., PLoS ONE 9(1): e86041, 2014, doi 10.1371/journal.pone.0086041; objective classes: Davison
    et al., J. Imaging 4(10): 119, 2018, doi 10.3390/jimaging4100119.

    Args:
        root: folder that holds the sheet and the frames' folder.
        frames: the frames' folder inside ``root``.
        sheet: the sheet's file name inside ``root``.
        objective_sheet: file name of the objective classes; used where it is there.
        **reading: as in ``CodedDataset``.
    """

    name = "casme2"
    title = "CASME II"
    fps = 200.0
    known_corrections = Corrections(
        changes={
            ("sub07", "EP06_01"): Correction({"onset": "56", "apex": "89", "offset": "116"}, _LIST),
            ("sub12", "EP09_02"): Correction({"onset": "161", "apex": "176", "offset": "206"}, _LIST),
        },
        additions=((_MISSING_ROW, _LIST),),
    )

    def __init__(
        self,
        root: str | Path | None,
        frames: str = "CASME2-RAW",
        sheet: str = "CASME2-coding-20140508.xlsx",
        objective_sheet: str = "CASME2-ObjectiveClasses.xlsx",
        **reading: Any,
    ) -> None:
        super().__init__(root, frames, sheet, **reading)
        self.objective_sheet = objective_sheet

    def _rows(self, tree: DatasetTree) -> Iterator[CodedRow]:
        objective = self._objective_classes(tree)
        for record in read_sheet(tree.file(str(self.sheet)), _COLUMNS):
            subject, repair = numbered_name(record["subject"], _SUBJECT)
            yield coded_row(
                record,
                subject,
                objective_class=objective.get((subject, record["clip"]), ""),
                repairs=(repair,) if repair else (),
            )

    def _objective_classes(self, tree: DatasetTree) -> dict[tuple[str, str], str]:
        path = tree.file(self.objective_sheet)
        if not path.is_file():
            return {}
        found: dict[tuple[str, str], str] = {}
        for record in read_sheet(path, _OBJECTIVE_COLUMNS):
            key = (numbered_name(record["subject"], _SUBJECT)[0], record["clip"])
            name = objective_class(record["objective_class"])
            if found.setdefault(key, name) != name:
                got = f"{path} with {found[key]} and {name} for {'/'.join(key)}"
                raise MerError("one objective class a clip", got, "remove the wrong row")
        return found
