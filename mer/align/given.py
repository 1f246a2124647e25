"""Landmarks that came with a dataset, or that OpenFace wrote."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer.align.landmarks import FoundLandmarks, Points, no_face
from mer.align.landmarks_csv import X, Y, openface_file, read_landmarks
from mer.clip import clip_name
from mer.errors import MerError, require_choice
from mer.frames import Image

_KEY = ["subject", "clip", "frame"]


class GivenLandmarks:
    """Reads landmarks from files.

    A file is a CSV with columns subject, clip, frame, x_0..x_67, y_0..y_67 (px of the frame). A folder holds
    OpenFace's own CSVs, one a clip, as ``<subject>/<clip>.csv`` or ``<subject>_<clip>.csv`` (written with
    ``-2Dfp``); where it saw several faces, the largest is taken. A clip needs the row of its onset frame.

    Args:
        path: the file or the folder, or several of them, one a dataset.
        frames: how the column ``frame`` counts. ``dataset``: by the dataset's own numbers, as the clip's onset.
            ``clip``: from 1 for the clip's onset frame, as OpenFace numbers the frames [onset, offset]. None: ``clip``
            in a folder, ``dataset`` in a file.
    """

    def __init__(self, path: str | Path | Sequence[str | Path] | None, frames: str | None = None) -> None:
        self._paths = [Path(path)] if isinstance(path, (str, Path)) else [Path(one) for one in path or ()]
        self.path = ", ".join(map(str, self._paths)) or None
        self.frames = frames and require_choice("align.landmarks.frames", frames, ("clip", "dataset"))
        self._openface: dict[Path, pd.DataFrame] = {}

    def find(self, onsets: Sequence[Image], clips: Sequence[pd.Series]) -> list[FoundLandmarks | MerError]:
        _ = self._table  # a file that is missing or wrong concerns every clip
        return [self._find(clip) for clip in clips]

    def state(self, clip: pd.Series) -> Any:
        try:
            rows = self._rows(clip)
        except MerError:
            return None
        return rows[X + Y].to_numpy(float).tolist() or None

    def _find(self, clip: pd.Series) -> FoundLandmarks | MerError:
        try:
            rows = self._rows(clip)
        except MerError as error:
            return error
        if rows.empty:
            what = f"landmarks of {clip_name(clip)} frame {clip['onset']}"
            remedy = "add it, set align.landmarks.frames to how frames are counted there, or set align="
            return MerError(what, f"no such row in {self.path}", remedy)
        if not rows["success"].all():
            return no_face(clip, f"so OpenFace says in {self.path}; choose another align=")
        faces = np.stack([rows[X].to_numpy(np.float32), rows[Y].to_numpy(np.float32)], axis=-1)
        if not np.isfinite(faces).all():
            return MerError(
                f"68 points for {clip_name(clip)}", "cells without a number", f"complete its row in {self.path}"
            )
        return _largest(faces)

    def _rows(self, clip: pd.Series) -> pd.DataFrame:
        """The rows of the clip's onset frame, one a face; several from one OpenFace file alone."""
        found = [rows for rows in (self._table_rows(clip), *self._openface_rows(clip)) if len(rows)]
        if len(found) > 1:
            raise MerError(f"landmarks of {clip_name(clip)} once", f"{len(found)} times", f"leave one in {self.path}")
        return found[0] if found else self._table.iloc[:0]

    def _table_rows(self, clip: pd.Series) -> pd.DataFrame:
        key: Any = (clip["subject"], clip["clip"], 1 if self.frames == "clip" else int(clip["onset"]))
        place = self._places.get(key)
        return self._table.iloc[:0] if place is None else self._table.iloc[place : place + 1]

    def _openface_rows(self, clip: pd.Series) -> list[pd.DataFrame]:
        frame = int(clip["onset"]) if self.frames == "dataset" else 1
        files = [openface_file(folder, clip["subject"], clip["clip"]) for folder in self._paths if folder.is_dir()]
        for file in files:
            if file is not None and file not in self._openface:
                table = read_landmarks(file, ["frame"])
                self._openface[file] = table[table["frame"] == frame]  # the rest is not needed
        return [self._openface[file] for file in files if file is not None]

    @cached_property
    def _table(self) -> pd.DataFrame:
        if not self._paths:
            raise _no_file(None)
        files = [path for path in self._paths if not path.is_dir()]
        for path in files:
            if not path.is_file():
                raise _no_file(path)
        columns = pd.DataFrame(columns=[*_KEY, "success", *X, *Y])
        table = pd.concat([columns, *(read_landmarks(path, _KEY) for path in files)], ignore_index=True)
        twice = table[table.duplicated(_KEY)]
        if len(twice):
            raise MerError("one row a frame", f"{' '.join(map(str, twice.iloc[0][_KEY]))} twice", f"fix {self.path}")
        return table

    @cached_property
    def _places(self) -> dict[Any, int]:
        """Row of each (subject, clip, frame)."""
        return {key: place for place, key in enumerate(self._table[_KEY].itertuples(index=False, name=None))}


def _largest(faces: Any) -> FoundLandmarks:
    areas = np.ptp(faces, axis=1).prod(axis=-1)
    points: Points = faces[areas.argmax()]
    return FoundLandmarks(points, f"{len(faces)} faces, the largest taken" if len(faces) > 1 else "")


def _no_file(path: Path | None) -> MerError:
    return MerError(
        "a CSV of landmarks", f"no file {path}", "set align.landmarks.path=FILE, or align=dlib, or align=none"
    )
