"""Writing an mp4 whole or not at all, which OpenCV alone does not: it says nothing of a disk that is full."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from mer.errors import MerError
from mer.files import atomic_file

_HEADER_BYTES, _LONG_HEADER_BYTES = 8, 16
_NEEDED = {b"mdat", b"moov"}


@contextmanager
def video_writer(path: Path, fps: float, width: int, height: int) -> Iterator[cv2.VideoWriter]:
    """Yield a writer of frames ``(height, width, 3)`` uint8 BGR whose mp4 is named ``path`` when the block ends well.

    Raises:
        MerError: the folder cannot be written, or not all of the video was.
    """
    with atomic_file(path) as temporary:
        writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height))
        try:
            if not writer.isOpened():
                raise MerError(f"to write {path}", "OpenCV refused it", "choose another folder by out=")
            yield writer
        finally:
            writer.release()
        if not is_whole_mp4(temporary):
            raise OSError("not all of the video could be written")


def is_whole_mp4(file: Path) -> bool:
    """Whether the boxes of an mp4 end where the file does, frames and their index among them (ISO/IEC 14496-12, 4.2).

    One that was cut off, or whose writer could not go back to fill in its sizes, is none.
    """
    n_bytes, at, kinds = file.stat().st_size, 0, set()
    with file.open("rb") as opened:
        while at < n_bytes:
            opened.seek(at)
            header = opened.read(_LONG_HEADER_BYTES)
            size, kind = int.from_bytes(header[:4], "big"), header[4:_HEADER_BYTES]
            if size == 1:  # it stands behind the kind, in 64 bits
                size = int.from_bytes(header[_HEADER_BYTES:], "big")
            if size < _HEADER_BYTES:
                return False
            kinds.add(kind)
            at += size
    return at == n_bytes and kinds >= _NEEDED
