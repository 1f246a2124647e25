"""Files that do harm where they are believed."""

import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
