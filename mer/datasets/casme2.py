"""CASME II, as distributed: coding sheet and raw frames."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pandas as pd

from mer.clip import ClipIndex, Note, clip_index
from mer.datasets.frames import list_frames, require_root
from mer.errors import MerError

_COLUMNS = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")
_LIST = "corrected list in circulation with MEGC2019"
# (subject, clip) -> frames: rows whose frames are wrong in the sheet of 2014-05-08.
_CORRECTED_FRAMES: Mapping[tuple[str, str], Mapping[str, int]] = {
    ("sub07", "EP06_01"): {"onset": 56, "apex": 89, "offset": 116},
    ("sub12", "EP09_02"): {"onset": 161, "apex": 176, "offset": 206},
}
# The 247 clips of the papers are the sheet's 246 five-class rows and this one.
_MISSING_ROW = {"subject": "sub24", "clip": "EP02_07", "onset": 61, "apex": 91, "offset": 106, "label": "disgust"}


class Casme2:
    """CASME II: spontaneous micro-expressions, 26 subjects, 200 fps, 640x480.

    Layout: ``CASME2-coding-20140508.xlsx`` (Sheet1: Subject, Filename, OnsetFrame, ApexFrame, OffsetFrame,
    Action Units, Estimated Emotion; 255 rows: others 99, disgust 63, happiness 32, repression 27, surprise 25,
    sadness 7, fear 2) beside ``CASME2-RAW/sub01/EP02_01f/img46.jpg``, the number being the sheet's frame.
    Source: Yan et al., PLoS ONE 9(1): e86041, 2014, doi 10.1371/journal.pone.0086041.

    Args:
        root: folder that holds the sheet and the frames' folder.
        frames: the frames' folder inside ``root``.
        sheet: the sheet's file name inside ``root``.
        corrections: use the known corrections of the sheet; each is noted.
    """

    name = "casme2"
    fps = 200.0

    def __init__(
        self,
        root: str | Path | None,
        frames: str = "CASME2-RAW",
        sheet: str = "CASME2-coding-20140508.xlsx",
        corrections: bool = True,
    ) -> None:
        self.root = root
        self.frames = frames
        self.sheet = sheet
        self.corrections = corrections

    def load(self) -> ClipIndex:
        """Read sheet and frames.

        Raises:
            MerError: a folder, the sheet or one of its columns is missing.
        """
        root = require_root(self.root, "CASME II")
        if not (root / self.frames).is_dir():
            raise MerError("the frames' folder", f"no folder {root / self.frames}", "set dataset.frames=NAME")
        notes: list[Note] = []
        found = (self._locate(row, root, notes) for row in self._rows(root, notes))
        return clip_index([row for row in found if row is not None], notes)

    def _rows(self, root: Path, notes: list[Note]) -> Iterator[dict[str, Any]]:
        added = self.corrections and (root / self.frames / "sub24" / "EP02_07").is_dir()
        for row in read_sheet(root / self.sheet):
            key = (row["subject"], row["clip"])
            added = added and key != ("sub24", "EP02_07")
            new = _CORRECTED_FRAMES.get(key, {}) if self.corrections else {}
            if any(row[name] != number for name, number in new.items()):
                change = ", ".join(f"{name} {row[name]} -> {number}" for name, number in new.items())
                notes.append(Note(f"casme2/{key[0]}/{key[1]}", "repaired", f"{change} ({_LIST})"))
                row = {**row, **new}
            yield row
        if added:
            notes.append(Note("casme2/sub24/EP02_07", "repaired", f"row missing in the sheet, added ({_LIST})"))
            yield dict(_MISSING_ROW, action_units="")

    def _locate(self, row: dict[str, Any], root: Path, notes: list[Note]) -> dict[str, Any] | None:
        name = f"casme2/{row['subject']}/{row['clip']}"
        row, problem = check_frames(row, list_frames(root / self.frames / row["subject"] / row["clip"]))
        if row["files"] is None:
            notes.append(Note(name, "refused", problem))
            return None
        if problem:
            notes.append(Note(name, "repaired", problem))
        return row | {"dataset": self.name, "fps": self.fps}


def read_sheet(path: Path) -> list[dict[str, Any]]:
    """Read the coding sheet's rows: subject ``sub01``, frames as int, an unusable apex as None.

    Raises:
        MerError: no such file, not a workbook, or a column is missing.
    """
    if not path.is_file():
        raise MerError("CASME II's coding sheet", f"no file {path}", "put it there or set dataset.sheet=NAME")
    try:
        sheet = pd.read_excel(path, sheet_name=0, dtype=str, keep_default_na=False)
    except (ValueError, BadZipFile, KeyError, OSError) as error:
        raise MerError("an xlsx workbook", f"{path}: {error}", "download the sheet again") from error
    sheet.columns = pd.Index([str(column).strip() for column in sheet.columns])
    missing = [column for column in _COLUMNS if column not in sheet.columns]
    if missing:
        raise MerError(f"columns {', '.join(_COLUMNS)}", f"{path} without {', '.join(missing)}", "use Sheet1 as it is")
    return [_parse_row(row) for _, row in sheet.iterrows() if str(row["Subject"]).strip()]


def _parse_row(row: pd.Series) -> dict[str, Any]:
    subject = row["Subject"].strip()
    return {
        "subject": f"sub{int(subject):02d}" if subject.isdecimal() else subject,
        "clip": row["Filename"].strip(),
        "onset": _frame_number(row["OnsetFrame"]),
        "apex": _frame_number(row["ApexFrame"]),
        "offset": _frame_number(row["OffsetFrame"]),
        "label": row["Estimated Emotion"].strip().lower(),
        "action_units": row["Action Units"].strip(),
    }


def _frame_number(cell: str) -> int | None:
    text = cell.strip()
    return int(text) if text.isdecimal() else None


def check_frames(row: dict[str, Any], frames: Mapping[int, str]) -> tuple[dict[str, Any], str]:
    """Compare a row with the frames on disk.

    Returns the row with ``files`` (None: the clip cannot be used) and what was wrong ("" for nothing). An apex that
    cannot be used becomes None, for the apex step to choose; frames missing after the apex shorten the clip.
    """
    onset, apex, offset = row["onset"], row["apex"], row["offset"]
    if not frames:
        return row | {"files": None}, "no frames on disk"
    if onset is None or offset is None or onset > offset:
        return row | {"files": None}, f"onset {onset} and offset {offset} are no interval"
    problems = []
    if apex is None or not onset < apex <= offset:
        problems.append(f"apex {apex} unusable in {onset}..{offset}, left to apex=")
        apex = None
    needed = offset if apex is None else apex
    gaps = [number for number in range(onset, needed + 1) if number not in frames]
    if gaps:
        return row | {"files": None}, f"{len(gaps)} frames missing before the apex, the first is {gaps[0]}"
    last = next((number - 1 for number in range(needed + 1, offset + 1) if number not in frames), offset)
    if last < offset:
        problems.append(f"frames after {last} missing, offset {offset} -> {last}")
    files = tuple(frames[number] for number in range(onset, last + 1))
    return row | {"apex": apex, "offset": last, "files": files}, "; ".join(problems)
