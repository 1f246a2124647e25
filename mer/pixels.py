"""How many pixels a file may claim: told by its header, before a decoder takes memory for them."""

import os

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError

_PNG_START, _BMP_START, _JPEG_START = b"\x89PNG\r\n\x1a\n", b"BM", b"\xff\xd8"
# Start of frame: what tells the size. The others of 0xc0 to 0xcf are tables.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def most_pixels() -> int:
    """The bound, which OPENCV_IO_MAX_IMAGE_PIXELS sets for OpenCV too: 2^26 where it does not."""
    try:
        return int(os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"])
    except (KeyError, ValueError):
        return 2**26


def is_within_bound(width_px: float, height_px: float) -> bool:
    """Whether an image of that size may be decoded."""
    return abs(width_px * height_px) <= most_pixels()


def require_within_bound(width_px: float, height_px: float, source: str) -> None:
    """Refuse frames that are too large.

    Raises:
        MerError: they are.
    """
    if not is_within_bound(width_px, height_px):
        got = f"{width_px:.0f}x{height_px:.0f} in {source}"
        raise MerError(f"frames of {most_pixels()} px at most", got, "scale them down")


def decoded(data: bytes) -> NDArray[np.uint8] | None:
    """An image file's bytes as RGB ``(H, W, 3)``; None where they are none, or claim too many pixels."""
    size = image_size(data)
    if not data or (size is not None and not is_within_bound(*size)):
        return None
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:  # a size beyond OpenCV's own bound, of a format whose header is not looked at
        return None
    return None if image is None else np.asarray(image, np.uint8)


def image_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) that a PNG, BMP or JPEG claims; None where its header tells none."""
    if data.startswith(_PNG_START):
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data.startswith(_BMP_START):
        width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
        return abs(width), abs(height)
    return _jpeg_size(data) if data.startswith(_JPEG_START) else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = len(_JPEG_START)
    while len(data) >= at + 9 and data[at] == 0xFF:
        mark = data[at + 1]
        if mark in _JPEG_FRAMES:
            height, width = (int.from_bytes(data[at + start : at + start + 2], "big") for start in (5, 7))
            return width, height
        # Marks may be padded with further 0xff; what stands between two marks tells its own length.
        at += 1 if mark == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
