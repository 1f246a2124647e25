"""Made-up faces of 68 points, and the CSV of landmarks that may come with a dataset."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

Points = npt.NDArray[np.float32]


def face_points(
    seed: int = 0, centre_px: tuple[float, float] = (32.0, 24.0), eyes_px: float = 16.0, angle: float = 0.0
) -> Points:
    """68 points scattered about ``centre_px`` with the eyes ``eyes_px`` apart on a line turned by ``angle`` (rad)."""
    random = np.random.default_rng(seed)
    points = random.uniform(-0.9, 0.9, (68, 2))
    for eye, side in ((slice(36, 42), -0.5), (slice(42, 48), 0.5)):
        ring = random.normal(0, 0.08, (6, 2))
        points[eye] = ring - ring.mean(axis=0) + (side, 0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(eyes_px * points @ turn.T + centre_px, np.float32)


def write_landmarks(path: Path, rows: Iterable[tuple[str, str, int, Points]]) -> pd.DataFrame:
    """Write (subject, clip, frame, points) as subject, clip, frame, x_0..x_67, y_0..y_67; return the table."""
    columns = ["subject", "clip", "frame", *(f"{axis}_{point}" for axis in "xy" for point in range(68))]
    table = pd.DataFrame([(*key, *points[:, 0], *points[:, 1]) for *key, points in rows], columns=columns)
    table.to_csv(path, index=False)
    return table
