"""SMIC's layouts: folders by camera, subject and class; long clips; the sheet with its formulas."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.fakes.coded import CodedFake, write_frames, write_images
from tests.fakes.workbook import Cell, write_workbook

SHEET = "SMIC-HS-E_annotation.xlsx"
RAW = "SMIC_all_raw"
CROPPED = "SMIC_all_cropped"
LONG = "HS_long/SMIC_HS_E"
HEADER_HS = (
    *("Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F", "Onset3F", "Offset3F", None),
    *("FirstF", "LastF", "TotalMF1", "TotalMF2", "TotalMF3", "TotalVL", "Emotion"),
)
HEADER_VIS = (
    *("Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F", None, "FirstF"),
    *("TotalMF1", "TotalMF2", "TotalVL", "Emotion"),
)
_CLASSES = {"ne": "negative", "po": "positive", "sur": "surprise"}
_AROUND = 5  # frames before the onset and after the offset in a long clip


@dataclass(frozen=True)
class SmicRow(CodedFake):
    """One row of the sheet, its subject a number; the folder's class is the one in the clip's name.

    ``place`` is the clip's folder and ``pattern`` the name of a frame, both set by ``write_smic``.
    """

    subject: Cell = 1
    clip: Cell = "s1_ne_01"
    onset: Cell = 185126
    offset: Cell = 185131
    emotion: Cell = "negative"
    place: str = ""
    pattern: str = "image{:06d}.jpg"

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Cells of worksheet HS, with values in place of formulas."""
        onset, offset = self.onset, self.offset
        first, last = _whole(onset) - _AROUND, _whole(offset) + _AROUND
        # As in some rows of the distributed sheet: a third interval that lies before the first frame.
        intervals = (onset, offset, None, None, 17, first)
        return self.subject, self.clip, None, *intervals, None, first, last, *self._lengths(first, last), self.emotion

    def formulas(self, line: int) -> tuple[Cell, ...]:
        """Cells of worksheet HS as they are stored, in row ``line``."""
        cells = list(self.cells)
        cells[4] = f"=D{line}+M{line}-1"
        cells[10] = f"=D{line}-100*(VIS!D{line}-VIS!I{line})/25"
        cells[11] = f"=K{line}+100*(VIS!L{line})/25-1"
        cells[15] = f"=L{line}-K{line}+1"
        return tuple(cells)

    @property
    def vis_cells(self) -> tuple[Cell, ...]:
        """Cells of worksheet VIS, which has fewer columns."""
        length = _whole(self.offset) - _whole(self.onset) + 1
        intervals = (self.onset, self.offset, None, None, None, _whole(self.onset) - _AROUND)
        return self.subject, self.clip, None, *intervals, length, None, 52, self.emotion

    @property
    def folder(self) -> str:
        return self.place

    def frame_name(self, number: int) -> str:
        return self.pattern.format(number)

    def _lengths(self, first: int, last: int) -> tuple[Cell, ...]:
        return _whole(self.offset) - _whole(self.onset) + 1, None, -118996, last - first + 1


def _whole(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0


def smic_rows() -> list[SmicRow]:
    """A clip of each class by two subjects."""
    return [
        SmicRow(1, "s1_ne_01", onset=185126, offset=185131),
        SmicRow(1, "s1_po_02", onset=186000, offset=186005, emotion="positive"),
        SmicRow(20, "s20_sur_01", onset=17581039, offset=17581044, emotion="surprise"),
    ]


def write_smic(
    root: Path,
    rows: Sequence[SmicRow] | None = None,
    *,
    modality: str = "HS",
    frames: str = RAW,
    sheet: Sequence[SmicRow] | None = None,
    formulas: bool = False,
    header: Sequence[str | None] | None = None,
) -> Path:
    """Write frames and sheet under ``root`` and return it.

    Args:
        root: folder, made here.
        rows: clips on disk.
        modality: ``HS``, ``VIS`` or ``NIR``.
        frames: ``RAW``, ``CROPPED`` or ``LONG``.
        sheet: the sheet's rows; None: ``rows``. An empty list writes no sheet.
        formulas: write formulas without values, as openpyxl saves the sheet.
        header: of the modality's worksheet.
    """
    rows = smic_rows() if rows is None else rows
    placed = [_placed(row, modality, frames) for row in rows]
    write_frames(root / frames, placed)
    if frames != LONG:
        for subject in dict.fromkeys(row.folder.split("/micro/")[0] for row in placed):
            number = subject.rpartition("s")[2]
            write_images(
                root / frames / subject / "non_micro" / f"s{number}_n1", ["image000001.jpg", "image000002.jpg"]
            )
    if sheet is None or sheet:
        write_smic_sheet(root / SHEET, rows if sheet is None else sheet, modality, formulas, header)
    return root


def write_smic_sheet(
    path: Path,
    rows: Sequence[SmicRow],
    modality: str = "HS",
    formulas: bool = False,
    header: Sequence[str | None] | None = None,
) -> None:
    """Write the workbook: HS and VIS, of which one has ``rows``, and two blank worksheets."""
    hs: list[Sequence[Cell]] = [header if header and modality == "HS" else HEADER_HS]
    vis: list[Sequence[Cell]] = [header if header and modality == "VIS" else HEADER_VIS]
    if modality == "HS":
        hs += [row.formulas(line) if formulas else row.cells for line, row in enumerate(rows, start=2)]
    else:
        vis += [row.vis_cells for row in rows]
    hs += [(None, " ")]  # as the distributed file, which is saved with blank rows at the end
    write_workbook(path, {"HS": hs, "VIS": vis, "Sheet2": [], "Sheet3": []})


def _placed(row: SmicRow, modality: str, frames: str) -> SmicRow:
    named = re.match(r"s0*(\d+)_([a-z]+)_", str(row.clip))
    number, label = (named[1], _CLASSES.get(named[2], named[2])) if named else (row.subject, row.emotion)
    if frames == LONG:
        numbers = row.frame_numbers
        around = range(numbers[0] - _AROUND, numbers[-1] + _AROUND + 1) if row.on_disk is None else numbers
        return replace(row, place=row.place or f"s{int(str(number)):02d}/{row.clip}", on_disk=around)
    pattern = "image{:06d}" if modality == "HS" else "{:05d}"
    suffix = ".jpg" if modality == "HS" and frames == RAW else ".bmp"
    prefix = "reg_" if frames == CROPPED else ""
    place = row.place or f"{modality}/s{number}/micro/{label}/{row.clip}"
    return replace(row, place=place, pattern=prefix + pattern + suffix)
