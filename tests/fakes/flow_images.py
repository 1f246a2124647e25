"""The layout of the published flow images: ``labels.csv`` beside small RGB PNGs."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd


def write_flow_images(
    root: Path,
    dataset: str = "smic",
    subjects: int = 2,
    clips_per_subject: int = 3,
    labels: Sequence[str] = ("negative", "positive", "surprise"),
    size_px: int = 28,
) -> pd.DataFrame:
    """Write noise images and ``labels.csv`` under ``root``; return the table that was written.

    Labels go round, so that every class comes up in turn.
    """
    root.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(size_px)
    rows = []
    for number in range(subjects * clips_per_subject):
        subject, clip = f"s{number // clips_per_subject + 1:02d}", f"clip_{number % clips_per_subject + 1:02d}"
        file = f"{subject}_{clip}.png"
        cv2.imwrite(str(root / file), noise.integers(0, 256, (size_px, size_px, 3), np.uint8))
        rows.append((dataset, subject, clip, labels[number % len(labels)], file))
    table = pd.DataFrame(rows, columns=["dataset", "subject", "clip", "label", "file"])
    table.to_csv(root / "labels.csv", index=False)
    return table
