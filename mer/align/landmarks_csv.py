"""CSVs of landmarks: one for a dataset, or OpenFace's own, one a clip."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mer.align.landmarks import N_LANDMARKS
from mer.errors import MerError

X = [f"x_{point}" for point in range(N_LANDMARKS)]
Y = [f"y_{point}" for point in range(N_LANDMARKS)]
_LARGEST_FRAME = 2**53  # beyond it floats skip numbers


def read_landmarks(file: Path, key: Sequence[str]) -> pd.DataFrame:
    """Columns ``key``, success (1 where OpenFace does not say), x_0..x_67 and y_0..y_67, NaN where no number stands.

    Raises:
        MerError: it is no such CSV.
    """
    types: Any = {"subject": str, "clip": str, "frame": str}
    try:
        # OpenFace puts blanks behind its commas, in the header too.
        table = pd.read_csv(file, dtype=types, skipinitialspace=True)
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise MerError("a CSV of landmarks", f"{file}: {error}", "write it again") from error
    missing = [column for column in (*key, *X, *Y) if column not in table.columns]
    if missing:
        columns = ", ".join([*key, "x_0..x_67", "y_0..y_67"])
        raise MerError(f"columns {columns}", f"no {missing[0]}", f"fix {file} (OpenFace writes points with -2Dfp)")
    table["frame"] = _whole(table["frame"], file)
    numbers = table[[*X, *Y]].apply(pd.to_numeric, errors="coerce")
    success = table["success"] if "success" in table.columns else pd.Series(1, table.index)
    parts: list[pd.DataFrame | pd.Series] = [table[list(key)], success.rename("success"), numbers.astype(float)]
    return pd.concat(parts, axis=1)


def _whole(cells: pd.Series, file: Path) -> pd.Series:
    numbers = pd.to_numeric(cells, errors="coerce")
    if not (numbers.abs() <= _LARGEST_FRAME).all() or (numbers % 1 != 0).any():  # so is every NaN
        raise MerError("a CSV of landmarks", f"{file}: a frame that is no whole number", "write it again")
    return numbers.astype("int64")


def openface_file(folder: Path, subject: str, clip: str) -> Path | None:
    """OpenFace's file of a clip, ``<subject>/<clip>.csv`` or ``<subject>_<clip>.csv``; None where there is none."""
    files = (folder / subject / f"{clip}.csv", folder / f"{subject}_{clip}.csv")
    return next((file for file in files if file.is_file()), None)
