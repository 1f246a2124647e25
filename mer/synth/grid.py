"""Columns and rows of every px."""

from functools import cache

import numpy as np

from mer.synth.portrait import FloatArray


@cache
def pixel_grid(shape: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Columns and rows, x and y, of every px, each ``(height, width)``; shared, so never written to."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    rows.flags.writeable = columns.flags.writeable = False
    return columns, rows
