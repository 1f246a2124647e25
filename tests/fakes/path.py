"""Stand-ins for steps of the path from clips to flow."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
from torch import Tensor

from mer.align import EyeCrop, GivenLandmarks
from mer.magnify import NoMagnification
from mer.preparation import Preparation
from tests.fakes import face_points, write_landmarks


class Calls(list[tuple[int, int]]):
    """Keeps what a progress bar is told."""

    def __call__(self, done: int, total: int) -> None:
        self.append((done, total))


class CountingFlow:
    """A stand-in for optical flow: the red and green difference of the two frames, and how many frames it was asked."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        self.batches.append(len(first))
        return (second - first)[:, :2]


class AddBand(NoMagnification):
    """A stand-in for magnification: frame plus band."""

    def magnify(self, frames: Tensor, bands: Tensor, onsets: Tensor | None = None) -> Tensor:
        return frames + bands


def with_landmarks(preparation: Preparation, csv: Path, clips: pd.DataFrame) -> Preparation:
    """Preparation by landmarks that ``csv`` holds of these clips alone."""
    names = clips[["subject", "clip", "onset"]].itertuples(index=False, name=None)
    write_landmarks(csv, [(*name, face_points()) for name in names])
    return replace(preparation, aligner=EyeCrop(GivenLandmarks(csv), size_px=16))
