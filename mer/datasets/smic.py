"""SMIC, as distributed: folders that carry subject, class and clip, and the sheet of the long clips."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mer.datasets.coded import CodedDataset
from mer.datasets.rows import FIRST, LAST, CodedRow, Correction, Corrections
from mer.datasets.sheet import Record, read_sheet, whole_number
from mer.datasets.tree import DatasetTree
from mer.errors import MerError, require_choice

_COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("OnsetF",),
    "offset": ("OffsetF",),
    "length": ("TotalMF1",),
    "label": ("Emotion",),
}
_FPS = {"HS": 100.0, "VIS": 25.0, "NIR": 25.0}
_NAMES = {"HS": "smic", "VIS": "smic_vis", "NIR": "smic_nir"}
_SUBJECT = re.compile(r"s0*(\d+)$", re.IGNORECASE)
_CLIP = re.compile(r"s0*(\d+)_(\w+)$", re.IGNORECASE)
_CLASS_IN_NAME = {"ne": "negative", "po": "positive", "sur": "surprise"}

Key = tuple[str, str]


class Smic(CodedDataset):
    """SMIC: spontaneous micro-expressions; high-speed (HS), visible (VIS) and near-infrared (NIR) cameras, 640x480.

    HS: 100 fps, 164 clips of 16 subjects, negative 70, positive 51, surprise 43; 2 to 39 clips a subject. VIS and NIR:
    25 fps, 71 clips of 8 subjects, by their folders positive 28, negative 23, surprise 20. No apex is annotated.

    Layouts, told apart by what is on disk:
    ``SMIC_all_raw/HS/s1/micro/negative/s1_ne_01/image185126.jpg`` (or bmp; ``SMIC_all_cropped`` likewise): the folder
    holds onset to offset. The sheet is not needed; where it is there, it is compared by name.
    ``HS_long/SMIC_HS_E/s20/s20_ne_01/image17581039.jpg`` (``frames=HS_long/SMIC_HS_E``): frames around the movement
    too, so onset and offset come from the sheet. With ``sheet=null`` the whole folder is taken.

    ``SMIC-HS-E_annotation.xlsx``: worksheets HS (157 rows) and VIS (71): Subject, Filename, OnsetF, OffsetF, further
    intervals (not used: the published 164 clips are the first ones), FirstF, LastF, TotalMF1, Emotion. OffsetF and
    FirstF are formulas; where a program saved them without their values, OffsetF is computed as they do.

    Subjects and clips are spelled with two digits, ``s01``, ``s01_ne_01``, as MEGC2019's lists do; the folders on disk
    say ``s1`` or ``s01``.

    Source: Li et al., FG 2013, doi 10.1109/FG.2013.6553717. Names of VIS and NIR frames are known from public readers.

    Args:
        root: folder that holds the frames' folder and the sheet.
        modality: ``HS``, ``VIS`` or ``NIR``.
        frames: the frames' folder inside ``root``.
        sheet: the sheet's file name inside ``root``; None for none.
        **reading: as in ``CodedDataset``.
    """

    title = "SMIC"
    people = "smic"  # the cameras saw the same ones, so they cannot be joined as if they were others
    known_corrections = Corrections(
        changes={("s18", "s18_sur_03"): Correction({"label": "surprise"}, "its folder, as all published lists")}
    )

    def __init__(
        self,
        root: str | Path | None,
        modality: str = "HS",
        frames: str = "SMIC_all_raw",
        sheet: str | None = "SMIC-HS-E_annotation.xlsx",
        **reading: Any,
    ) -> None:
        super().__init__(root, frames, sheet, **reading)
        self.modality = require_choice("dataset.modality", modality, _FPS)
        self.fps = _FPS[modality]
        self.name = _NAMES[modality]  # each camera is a dataset of its own

    def _rows(self, tree: DatasetTree) -> Iterator[CodedRow]:
        base = f"{self.modality}/" if (tree.frames_root / self.modality).is_dir() else ""
        subjects = [name for name in tree.folders(base) if _SUBJECT.match(name)]
        rows = self._sheet_rows(tree)
        if any(tree.folders(f"{base}{subject}/micro") for subject in subjects):
            yield from _folder_rows(tree, base, subjects, rows)
        elif subjects:
            yield from self._long_rows(tree, base, subjects, rows)
        else:
            expected = f"folders s1, s2, ... in {tree.frames_root / base}"
            raise MerError(expected, "none", "set dataset.frames=NAME and dataset.modality=HS, VIS or NIR")

    def _sheet_rows(self, tree: DatasetTree) -> list[CodedRow] | None:
        path = tree.file(self.sheet) if self.sheet else None
        if path is None or not path.is_file() or self.modality == "NIR":  # no worksheet for NIR
            return None
        return [_sheet_row(row) for row in read_sheet(path, _COLUMNS, optional=("length",), worksheet=self.modality)]

    def _long_rows(
        self, tree: DatasetTree, base: str, subjects: list[str], rows: list[CodedRow] | None
    ) -> Iterator[CodedRow]:
        if rows is None and self.sheet:
            got = f"no worksheet {self.modality} in {tree.root / self.sheet}"
            raise MerError("the sheet, for onset and offset", got, "put it there, or dataset.sheet=null for all frames")
        listed: dict[Key, list[CodedRow]] = {}
        for row in rows or ():
            listed.setdefault(_key(row), []).append(row)
        folders = _clip_folders(tree, base, subjects)
        for key, folder in folders:
            if rows is None:
                row = CodedRow(*key, _class_in_name(key[1]), FIRST, None, LAST, folder)
                yield replace(row, repairs=("no sheet: all frames of the folder taken as onset to offset",))
            elif key not in listed:
                yield CodedRow(*key, "", "", None, "", folder, refusal="no row in the sheet, so no onset and offset")
            yield from (replace(row, folder=folder) for row in listed.get(key, ()))
        found = {key for key, _ in folders}
        yield from (_without_folder(row) for row in rows or () if _key(row) not in found)


def _clip_folders(tree: DatasetTree, base: str, subjects: list[str]) -> list[tuple[Key, str]]:
    return [
        ((_subject(subject), _clip(clip)), f"{base}{subject}/{clip}")
        for subject in subjects
        for clip in tree.folders(f"{base}{subject}")
        if _CLIP.match(clip)
    ]


def _folder_rows(tree: DatasetTree, base: str, subjects: list[str], rows: list[CodedRow] | None) -> Iterator[CodedRow]:
    listed = None if rows is None else {_key(row): row for row in rows}
    found = set()
    for subject in subjects:
        for label in tree.folders(f"{base}{subject}/micro"):
            for clip in tree.folders(f"{base}{subject}/micro/{label}"):
                key = (_subject(subject), _clip(clip))
                found.add(key)
                folder = f"{base}{subject}/micro/{label}/{clip}"
                row = CodedRow(*key, label.lower(), FIRST, None, LAST, folder)
                yield replace(row, repairs=_compared(row, listed)) if listed is not None else row
    yield from (_without_folder(row) for row in rows or () if _key(row) not in found)


def _compared(row: CodedRow, listed: dict[Key, CodedRow]) -> tuple[str, ...]:
    coded = listed.get(_key(row))
    if coded is None:
        return ("no row in the sheet, taken from its folder",)
    if coded.label != row.label:
        return (f"label {coded.label} in the sheet, {row.label} by its folder, which is used",)
    return ()


def _without_folder(row: CodedRow) -> CodedRow:
    return replace(row, refusal=f"row {row.line} of the sheet has no folder")


def _key(row: CodedRow) -> Key:
    return row.subject, row.clip


def _sheet_row(record: Record) -> CodedRow:
    onset, offset = record["onset"], record["offset"]
    repairs: tuple[str, ...] = ()
    if not offset:
        first, length = whole_number(onset), whole_number(record["length"])
        if first is not None and length:
            offset = str(first + length - 1)
            repairs = (f"formula of OffsetF without its value, {offset} computed",)
    number = whole_number(record["subject"])
    subject = _subject(record["subject"]) if number is None else f"s{number:02d}"
    clip = _clip(record["clip"])
    return CodedRow(
        subject, clip, record["label"].lower(), onset, None, offset, "", line=record["line"], repairs=repairs
    )


def _subject(name: str) -> str:
    match = _SUBJECT.match(name)
    return f"s{int(match[1]):02d}" if match else name


def _clip(name: str) -> str:
    match = _CLIP.match(name)
    return f"s{int(match[1]):02d}_{match[2]}" if match else name


def _class_in_name(clip: str) -> str:
    part = clip.split("_")[1]
    return _CLASS_IN_NAME.get(part, part)
