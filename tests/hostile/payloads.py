"""Files that do harm where they are believed."""

import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from openpyxl import Workbook


class Exploit:
    """Unpickling it makes the file ``mark``."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


def write_png(file: Path, width_px: int, height_px: int, is_whole: bool = False) -> Path:
    """A PNG of some kilobytes that claims to be of that size, and is a black image of it where it is whole."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(height_px * (1 + 3 * width_px) if is_whole else 100_000), 1)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return file


def write_workbook(file: Path, change: Callable[[bytes], bytes]) -> Path:
    """A workbook with columns a, b and one row, whose sheet's XML is then changed."""
    book, plain = Workbook(), file.with_suffix(".plain")
    for row in (["a", "b"], ["x", "y"]):
        book.active.append(row)
    book.save(plain)
    with zipfile.ZipFile(plain) as given, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as written:
        for name in given.namelist():
            data = given.read(name)
            written.writestr(name, change(data) if name == "xl/worksheets/sheet1.xml" else data)
    return file


def laughing_yaml(levels: int = 30) -> str:
    """YAML of a few lines whose lists name each other ten times over, ``10**levels`` values in all."""
    lines = ["l0: &l0 [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"l{n}: &l{n} [{','.join([f'*l{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def write_video(file: Path, frames: int = 12, width_px: int = 64, height_px: int = 48) -> Path:
    """A film of noise at 30 frames a second, MJPEG in an AVI or MPEG-4 in an mp4."""
    code = "MJPG" if file.suffix == ".avi" else "mp4v"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*code), 30, (width_px, height_px))
    noise = np.random.default_rng(0)
    for _ in range(frames):
        writer.write(noise.integers(0, 256, (height_px, width_px, 3), np.uint8))
    writer.release()
    return file


# Where a video's header tells what: after which tag, how many bytes on, and in which form.
AVI_FIELDS = {
    "microseconds a frame": (b"avih", 8, "<I"),
    "frames of the film": (b"avih", 24, "<I"),
    "width of the film": (b"avih", 40, "<I"),
    "height of the film": (b"avih", 44, "<I"),
    "scale": (b"strh", 28, "<I"),
    "rate": (b"strh", 32, "<I"),
    "frames": (b"strh", 40, "<I"),
    "width": (b"strf", 12, "<I"),
    "height": (b"strf", 16, "<I"),
    "height and width of a JPEG": (b"\xff\xc0", 5, ">I"),
    "a chunk's length": (b"00dc", 4, "<I"),
}
MP4_FIELDS = {
    "ticks a second": (b"mdhd", 16, ">I"),
    "ticks of the film": (b"mdhd", 20, ">I"),
    "frames of one length": (b"stts", 12, ">I"),
    "ticks a frame": (b"stts", 16, ">I"),
    "bytes a frame": (b"stsz", 8, ">I"),
    "frames": (b"stsz", 12, ">I"),
    "width": (b"tkhd", 80, ">I"),
    "height": (b"tkhd", 84, ">I"),
    "width and height of the code": (b"mp4v", 28, ">I"),
    "chunks": (b"stsc", 8, ">I"),
    "place of a chunk": (b"stco", 12, ">I"),
}


def lying(data: bytes, field: tuple[bytes, int, str], value: int) -> bytes:
    """``data`` with another number where its header first tells ``field``."""
    tag, offset, form = field
    changed = bytearray(data)
    start = data.index(tag, data.index(b"stsd")) if tag == b"mp4v" else data.index(tag)
    struct.pack_into(form, changed, start + offset, value)
    return bytes(changed)
