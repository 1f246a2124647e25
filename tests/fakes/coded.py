"""What the fakes of coded datasets share: a row of the sheet and its frames on disk."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tests.fakes.workbook import Cell


@dataclass(frozen=True)
class CodedFake(ABC):
    """One row of a coding sheet as its cells hold it, and which frames lie on disk: None is onset..offset.

    A dataset's own row gives the defaults, the order of the cells and the names on disk.
    """

    subject: Cell
    clip: Cell
    onset: Cell = 3
    apex: Cell = 6
    offset: Cell = 8
    units: Cell = "4+7"
    emotion: Cell = "happiness"
    on_disk: Iterable[int] | None = None

    @property
    @abstractmethod
    def cells(self) -> tuple[Cell, ...]:
        """The sheet's cells."""

    @property
    @abstractmethod
    def folder(self) -> str:
        """The clip's folder inside the frames' folder."""

    def frame_name(self, number: int) -> str:
        """Name of one frame's file."""
        return f"{number}.jpg"

    @property
    def frame_numbers(self) -> list[int]:
        """Numbers of the frames on disk."""
        if self.on_disk is not None:
            return list(self.on_disk)
        return list(range(int(self.onset or 0), int(self.offset or 0) + 1))


def numbered(cell: Cell, form: str) -> str:
    """A subject's folder, ``sub01``, from its cell, ``01`` or 1; a cell that is no number as it is."""
    return form.format(int(str(cell))) if str(cell).isdigit() else str(cell)


def write_frames(frames: Path, rows: Iterable[CodedFake], size_px: tuple[int, int] = (16, 12)) -> None:
    """Write the frames of ``rows`` as noise of ``size_px``, width and height, in their folders under ``frames``."""
    frames.mkdir(parents=True, exist_ok=True)
    for row in rows:
        names = [row.frame_name(number) for number in row.frame_numbers]
        write_images(frames / row.folder, names, size_px)


def write_images(folder: Path, names: Iterable[str], size_px: tuple[int, int] = (16, 12)) -> None:
    """Write noise images of these names in ``folder``, which is made here."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0)
    for name in names:
        cv2.imwrite(str(folder / name), noise.integers(0, 256, (size_px[1], size_px[0], 3), np.uint8))


def touch_frames(folder: Path, names: Iterable[str]) -> None:
    """Make empty files of these names in ``folder``: what lists frames does not read them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def sparse_numbers(onset: int, apex: int, offset: int) -> list[int]:
    """The fewest frames of which ``fill_gaps=100`` makes a clip."""
    return sorted({*range(onset, offset, 100), apex, offset})


def write_video(path: Path, frames: int, fps: float = 25.0, size_px: tuple[int, int] = (32, 24)) -> Path:
    """Write a video of noise, mp4 or avi by the name's ending, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    code = "mp4v" if path.suffix.lower() == ".mp4" else "MJPG"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), fps, size_px)
    noise = np.random.default_rng(0)
    for _ in range(frames):
        writer.write(noise.integers(0, 256, (size_px[1], size_px[0], 3), np.uint8))
    writer.release()
    return path
