"""Landmarks that came with a dataset."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer.align.landmarks import N_LANDMARKS, Image, Points
from mer.clip import clip_name
from mer.errors import MerError

_KEY = ["subject", "clip", "frame"]
_X = [f"x_{point}" for point in range(N_LANDMARKS)]
_Y = [f"y_{point}" for point in range(N_LANDMARKS)]


class GivenLandmarks:
    """Reads landmarks from a CSV: subject, clip, frame, x_0..x_67, y_0..y_67 (px of the frame, OpenFace's names).

    Args:
        path: the CSV; a clip needs the row of its onset frame.
    """

    def __init__(self, path: str | Path | None) -> None:
        self.path = path

    def find(self, onset: Image, clip: pd.Series) -> Points:
        key = _row_key(clip)
        if key not in self._table.index:
            raise MerError(
                f"landmarks of {clip_name(clip)} frame {key[2]}", f"no such row in {self.path}", "add it or set align="
            )
        row = self._table.loc[key]
        points = np.column_stack([row[_X].to_numpy(np.float32), row[_Y].to_numpy(np.float32)])
        if not np.isfinite(points).all():
            raise MerError(
                f"68 points for {clip_name(clip)}", "cells without a number", f"complete its row in {self.path}"
            )
        return points

    def state(self, clip: pd.Series) -> Any:
        key = _row_key(clip)
        return self._table.loc[key].astype(float).tolist() if key in self._table.index else None

    @cached_property
    def _table(self) -> pd.DataFrame:
        if not self.path or not Path(self.path).is_file():
            raise MerError(
                "a CSV of landmarks",
                f"no file {self.path}",
                "set align.landmarks.path=FILE, or align=dlib, or align=none",
            )
        try:
            table = pd.read_csv(self.path, dtype={"subject": str, "clip": str, "frame": int})
        except (ValueError, pd.errors.ParserError, UnicodeDecodeError) as error:
            raise MerError("a CSV of landmarks", f"{self.path}: {error}", "write it again") from error
        missing = [column for column in [*_KEY, *_X, *_Y] if column not in table.columns]
        if missing:
            raise MerError("columns subject, clip, frame, x_0..x_67, y_0..y_67", f"no {missing[0]}", f"fix {self.path}")
        twice = table[table.duplicated(_KEY)]
        if len(twice):
            raise MerError("one row a frame", f"{' '.join(map(str, twice.iloc[0][_KEY]))} twice", f"fix {self.path}")
        numbers: pd.DataFrame = table.set_index(_KEY)[_X + _Y].apply(pd.to_numeric, errors="coerce")
        return numbers.sort_index()


def _row_key(clip: pd.Series) -> Any:
    return clip["subject"], clip["clip"], int(clip["onset"])
