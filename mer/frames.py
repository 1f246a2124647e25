"""Names of frames and reading them: an image file a frame, or one frame of a video file."""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError
from mer.pixels import decoded, image_size, is_within_bound, most_pixels, require_within_bound

Image = NDArray[np.uint8]
Result = TypeVar("Result")

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov")
_VIDEO_FRAME = re.compile(r"(.+)#frame=([0-9]+)\Z", re.DOTALL)
_TAIL_BYTES = 4096
_MOST_FRAMES = 4_000_000  # of a video: more than a day at 30 frames a second
_SLOWEST_FPS, _FASTEST_FPS = 1e-3, 65_535.0  # the fastest that an mp4 takes
_JPEG_START, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_BMP_START = b"BM"


def video_frame_name(video: str | Path, index: int) -> str:
    """Name of the frame ``index``, from 0, of a video file."""
    return f"{video}#frame={index}"


def split_frame_name(name: str) -> tuple[str, int | None]:
    """The file that holds a frame, and the frame's index in it where it is a video."""
    match = _VIDEO_FRAME.match(name)
    if match is None or not match[1].lower().endswith(VIDEO_SUFFIXES):
        return name, None
    return match[1], int(match[2])


def read_frame(name: str) -> Image:
    """Read one frame as RGB ``(H, W, 3)`` uint8.

    Raises:
        MerError: the file is missing, no image, cut off, or a video without this frame.
    """
    video = _video_of(name)
    return next(_read_video(video, [name])) if video else _read_image(name)


def map_frames(
    function: Callable[[str, Image], Result], names: Sequence[str], in_parallel: bool = True
) -> Iterator[Result]:
    """Call ``function(name, frame)`` on each frame, in order: images on all cores, a video read once and in turn.

    The frames of one video are named in rising order.

    Raises:
        MerError: as ``read_frame``.
    """
    for video, group in groupby(names, key=_video_of):
        if video:
            wanted = list(group)
            for name, image in zip(wanted, _read_video(video, wanted), strict=True):
                yield function(name, image)
        elif not in_parallel:
            yield from (function(name, _read_image(name)) for name in group)
        else:
            with ThreadPoolExecutor() as pool:  # OpenCV decodes outside Python's lock
                yield from pool.map(lambda name: function(name, _read_image(name)), group)


def frame_problem(name: str) -> str:
    """What a look at a frame's file tells, without decoding it; "" where it looks whole.

    An image's file must begin and end as its format asks: what a copy that broke off leaves behind does not.
    """
    file, index = split_frame_name(name)
    if index is not None:
        return "" if index < count_video_frames(file) else f"no frame {index} in the video"
    try:
        with Path(file).open("rb") as opened:
            return _format_problem(opened)
    except OSError as error:
        return error.strerror or "it cannot be opened"


def frame_state(name: str) -> tuple[str, int, int, int]:
    """Name, size and both times of the file behind a frame: other where the file was changed.

    The time of the last change of its status cannot be set back, so an edit that keeps size and date is seen too.

    Raises:
        MerError: there is no such file.
    """
    file, index = split_frame_name(name)
    path = Path(file)
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(file) from error
    return (
        path.name if index is None else video_frame_name(path.name, index),
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def open_video(video: str) -> cv2.VideoCapture:
    """A video to read frames of, which its caller releases.

    Raises:
        MerError: its frames claim more pixels than an image may have.
    """
    capture = cv2.VideoCapture(video)
    width_px, height_px = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    try:
        require_within_bound(width_px, height_px, video)
    except MerError:
        capture.release()
        raise
    return capture


def count_video_frames(video: str | Path) -> int:
    """Number of frames that a video's container names; 0 where it breaks off or names more than it can hold."""
    if _breaks_off(video):
        return 0
    capture = cv2.VideoCapture(str(video))
    try:
        count = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))) if capture.isOpened() else 0
    finally:
        capture.release()
    # One spoilt byte can name milliards of frames, and each has a name in the index; a file with holes has any size.
    return count if count and count <= min(Path(video).stat().st_size, _MOST_FRAMES) else 0


def video_fps(video: str | Path) -> float:
    """Frames a second that a video's container names; NaN where it names none, or one that no camera has."""
    capture = cv2.VideoCapture(str(video))
    try:
        fps = float(capture.get(cv2.CAP_PROP_FPS)) if capture.isOpened() else 0.0
    finally:
        capture.release()
    return fps if _SLOWEST_FPS <= fps <= _FASTEST_FPS else float("nan")


def _video_of(name: str) -> str:
    file, index = split_frame_name(name)
    return "" if index is None else file


def _read_image(file: str) -> Image:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise _unreadable(file) from error
    # A decoder fills up what a broken copy lacks with grey, which would be taken for the face.
    problem = _format_problem(BytesIO(data)) or _size_problem(data)
    image = None if problem else decoded(data)
    if image is None:
        raise _unreadable(f"{file} ({problem})" if problem else file)
    return image


def _read_video(video: str, names: Sequence[str]) -> Iterator[Image]:
    if _breaks_off(video):  # the decoder would make up the rest of the frame where it does
        raise _unreadable(f"{video} (it breaks off)")
    capture = open_video(video)
    try:
        at = 0
        for name in names:
            index = split_frame_name(name)[1] or 0
            # Seeking is inexact in most containers; grabbing frame by frame is not.
            while at < index and capture.grab():
                at += 1
            found, image = capture.read() if at == index else (False, None)
            if not found or image is None:
                raise _unreadable(name)
            at += 1
            yield np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    finally:
        capture.release()


def _breaks_off(video: str | Path) -> bool:
    """Whether a part of the container, a RIFF chunk of an AVI or a box of an mp4 or mov, is longer than the file."""
    try:
        with Path(video).open("rb") as opened:
            size, at = opened.seek(0, 2), 0
            while at < size:
                head = _read_from(opened, at, 16)
                if head.startswith(b"RIFF"):
                    at += 8 + int.from_bytes(head[4:8], "little")
                elif head[4:8].isalpha() and head[:4] > bytes(4):  # length 0: up to the end
                    at += int.from_bytes(head[8:] if head[:4] == b"\0\0\0\1" else head[:4], "big") or size
                else:
                    return False
            return at > size
    except OSError:
        return False  # the decoder says so


def _format_problem(image: BinaryIO) -> str:
    head, size = image.read(16), image.seek(0, 2)
    start = max(0, size - _TAIL_BYTES)
    if size == 0:
        return "it is empty"
    if head.startswith(_JPEG_START):
        scan = _jpeg_scan(image)
        return "" if scan and _JPEG_END in _read_from(image, max(scan, start)) else "it breaks off"
    if head.startswith(_PNG_START):
        return "" if _PNG_END in _read_from(image, start) else "it breaks off"
    if head.startswith(_BMP_START):
        return "it breaks off" if int.from_bytes(head[2:6], "little") > size else ""
    return "it is no JPEG, PNG or BMP"


def _size_problem(data: bytes) -> str:
    size = image_size(data)
    return "" if size is None or is_within_bound(*size) else f"{size[0]}x{size[1]}, more than {most_pixels()} px"


def _jpeg_scan(image: BinaryIO) -> int:
    """Where the compressed data begin, which never hold the end mark; a thumbnail before them does. 0: nowhere."""
    at = len(_JPEG_START)
    while True:
        mark = _read_from(image, at, 4)
        if len(mark) < 4 or mark[0] != 0xFF:
            return 0
        if mark.startswith(_JPEG_SCAN):
            return at
        # Marks may be padded with further 0xff; what stands between two marks tells its own length.
        at += 1 if mark[1] == 0xFF else 2 + int.from_bytes(mark[2:], "big")


def _read_from(image: BinaryIO, place: int, size: int = -1) -> bytes:
    image.seek(place)
    return image.read(size)


def _unreadable(file: str) -> MerError:
    return MerError("a readable frame", file, "copy it again from the dataset")
