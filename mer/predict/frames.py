"""A video's frames in a stream: one at a time, each with its time."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError, require_number
from mer.frames import VIDEO_SUFFIXES, Image, count_video_frames, open_video, read_frame, video_fps

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
_DIGITS = re.compile(r"([0-9]+)")
_FASTEST_FPS = 100_000


@dataclass(frozen=True)
class TimedFrame:
    """One frame: its index from 0, its time from the first frame in s, and RGB ``(H, W, 3)`` uint8."""

    index: int
    seconds: float
    image: Image


class FrameStream(Protocol):
    """Frames that can be run through again and again, and are never all in memory."""

    @property
    def name(self) -> str:
        """Of the video, without its ending."""
        ...

    @property
    def source(self) -> str:
        """Where it lies, for the results."""
        ...

    @property
    def fps(self) -> float:
        """Frames a second as it is told; the frames' own times count."""
        ...

    @property
    def expected(self) -> int:
        """How many frames there are as it is told; the stream may end earlier."""
        ...

    def __iter__(self) -> Iterator[TimedFrame]:
        """The frames from the first on.

        Raises:
            MerError: a frame cannot be read, or has another size than the first.
        """
        ...


@dataclass(frozen=True)
class VideoFile:
    """The frames of an mp4, avi or mov, turned as its metadata say (phones), with the container's time stamps.

    A time stamp that does not rise, as in containers that hold none, stands 1 / fps after the one before.

    Raises:
        MerError: no such file, of another kind, or nothing in it can be decoded.
    """

    source: str

    def __post_init__(self) -> None:
        path = Path(self.source)
        if not path.is_file():
            raise MerError("a video", f"no file {path}", "check the path")
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            raise MerError(f"a video ({', '.join(VIDEO_SUFFIXES)})", str(path), "convert it, with ffmpeg say")
        if not path.stat().st_size:
            raise MerError("a video", f"{path}, which is empty (0 bytes)", "copy it again")
        if not self.expected:
            raise MerError("a whole video", f"{path}, which breaks off or holds no frames", "copy it again")
        if not self.fps > 0:
            raise MerError(
                f"frames a second in {path}",
                "none, or none that a camera has",
                "write the video again with a frame rate",
            )

    @property
    def name(self) -> str:
        return Path(self.source).stem

    @property
    def fps(self) -> float:
        return video_fps(self.source)

    @property
    def expected(self) -> int:
        return count_video_frames(self.source)

    def __iter__(self) -> Iterator[TimedFrame]:
        capture = open_video(self.source)
        try:
            yield from _same_sizes(_decoded(capture, 1 / self.fps), self.source)
        finally:
            capture.release()


@dataclass(frozen=True)
class FrameFolder:
    """The images of a folder in the order of the numbers in their names.

    Args:
        source: the folder.
        given_fps: frames a second, which images do not tell.

    Raises:
        MerError: no images in it, or no frame rate.
    """

    source: str
    given_fps: float | None

    def __post_init__(self) -> None:
        if not self._files():
            raise MerError(f"images ({', '.join(_IMAGE_SUFFIXES)})", f"none in {self.source}", "check the folder")
        _require_fps(self.given_fps, f"the frames in {self.source}")

    @property
    def name(self) -> str:
        return Path(self.source).resolve().name

    @property
    def fps(self) -> float:
        return _require_fps(self.given_fps, f"the frames in {self.source}")

    @property
    def expected(self) -> int:
        return len(self._files())

    def __iter__(self) -> Iterator[TimedFrame]:
        read = (TimedFrame(at, at / self.fps, read_frame(str(file))) for at, file in enumerate(self._files()))
        yield from _same_sizes(read, self.source)

    def _files(self) -> list[Path]:
        images = [one for one in Path(self.source).iterdir() if one.suffix.lower() in _IMAGE_SUFFIXES]
        return sorted((one for one in images if not one.name.startswith(".")), key=_numbers_as_numbers)


@dataclass(frozen=True)
class FramesInMemory:
    """Frames that lie in memory already.

    Args:
        frames: RGB ``(H, W, 3)`` uint8 each, or grey ``(H, W)``; a list, or an array of them.
        given_fps: frames a second.
        name: for the results.

    Raises:
        MerError: none, of other shapes or types, or no frame rate.
    """

    frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
    given_fps: float | None
    name: str = "frames"
    source: str = "memory"

    def __post_init__(self) -> None:
        if not len(self.frames):
            raise MerError("frames", "none", "give one or more")
        _require_fps(self.given_fps, "these frames")

    @property
    def fps(self) -> float:
        return _require_fps(self.given_fps, "these frames")

    @property
    def expected(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[TimedFrame]:
        read = (TimedFrame(at, at / self.fps, _rgb(frame)) for at, frame in enumerate(self.frames))
        yield from _same_sizes(read, self.source)


def open_frames(path: str, fps: float | None = None) -> FrameStream:
    """The stream of a video file, or of a folder of images, which needs ``fps``.

    Raises:
        MerError: it cannot be read.
    """
    return FrameFolder(path, fps) if Path(path).is_dir() else VideoFile(path)


def _decoded(capture: cv2.VideoCapture, frame_s: float) -> Iterator[TimedFrame]:
    first = last = math.nan
    index = 0
    while True:
        found, image = capture.read()
        if not found or image is None:
            return
        stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        stamp = stamp if index == 0 or stamp > last else last + frame_s
        first, last = stamp if index == 0 else first, stamp
        yield TimedFrame(index, stamp - first, np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8))
        index += 1


def _same_sizes(frames: Iterator[TimedFrame], source: str) -> Iterator[TimedFrame]:
    shape: tuple[int, ...] | None = None
    for frame in frames:
        shape = shape or frame.image.shape
        if frame.image.shape != shape:
            got = f"frame {frame.index} of {frame.image.shape[1]}x{frame.image.shape[0]} in {source}"
            raise MerError(f"frames of {shape[1]}x{shape[0]}", got, "cut the video where its size changes")
        yield frame
    if shape is None:
        raise MerError("frames", f"none that can be decoded in {source}", "check that it plays, and copy it again")


def _rgb(frame: NDArray[np.uint8]) -> Image:
    if frame.dtype != np.uint8 or frame.ndim not in (2, 3) or (frame.ndim == 3 and frame.shape[2] != 3):
        raise MerError("frames (H, W, 3) or (H, W) of uint8", f"{frame.dtype} {frame.shape}", "give RGB in 0..255")
    return frame if frame.ndim == 3 else np.repeat(frame[..., None], 3, axis=2)


def _require_fps(fps: float | None, what: str) -> float:
    if fps is None:
        raise MerError(f"frames a second of {what}", "none", "set fps=")
    return require_number("fps", fps, 1, _FASTEST_FPS)


def _numbers_as_numbers(file: Path) -> list[tuple[int, int, str]]:
    parts = _DIGITS.split(file.stem)
    return [(1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts]
