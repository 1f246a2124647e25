"""What a file of the store must hold, looked up in its header before any of its tensors is read."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Side = int | str | tuple[int, ...]
# Name -> type in safetensors' words, and shape. A side is a number, one of several, or a letter that stands for one
# number wherever it comes up in the form.
Form = Mapping[str, tuple[str, tuple[Side, ...]]]

_BYTES = {"U8": 1, "F32": 4, "I64": 8}
_MOST_BYTES = 2**30  # of a file; all frames of a clip of a minute at 224 px are half of it
_MOST_HEADER_BYTES = 2**20
_LENGTH_BYTES = 8


def read_fitting(path: Path, form: Form) -> tuple[dict[str, Any], bytes] | None:
    """Header and bytes of a safetensors file whose header is of ``form`` and which is as long as that makes it.

    None for any other file, of which no more than the header is read.

    Raises:
        FileNotFoundError: there is no such file.
    """
    with path.open("rb") as opened:
        start = opened.read(_LENGTH_BYTES)
        length = int.from_bytes(start, "little")
        if length > _MOST_HEADER_BYTES:
            return None
        text = opened.read(length)
        header = _parsed(text)
        if header is None or misfit(header, form):
            return None
        n_bytes = sum(math.prod(header[name]["shape"]) * _BYTES[dtype] for name, (dtype, _) in form.items())
        size = os.fstat(opened.fileno()).st_size
        if size != _LENGTH_BYTES + length + n_bytes or n_bytes > _MOST_BYTES:
            return None
        return header, start + text + opened.read()


def misfit(header: Mapping[str, Any], form: Form) -> str:
    """The first way in which ``header`` is not of ``form``, or "".

    >>> form = {"flow": ("F32", (2, "s", "s"))}
    >>> misfit({"flow": {"dtype": "F32", "shape": [2, 8, 8], "data_offsets": [0, 512]}}, form)
    ''
    >>> misfit({"flow": {"dtype": "F32", "shape": [2, 8, 9], "data_offsets": [0, 576]}}, form)
    'flow F32 [2, 8, 9]'
    """
    told = {name: entry for name, entry in header.items() if name != "__metadata__"}
    if told.keys() != form.keys():
        return f"tensors {sorted(told)}"
    letters: dict[str, int] = {}
    for name, (dtype, sides) in form.items():
        entry = told[name] if isinstance(told[name], dict) else {}
        if entry.get("dtype") != dtype or not _is_shape(entry.get("shape"), sides, letters):
            return f"{name} {entry.get('dtype')} {entry.get('shape')}"
    return ""


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) else None


def _is_shape(shape: object, sides: tuple[Side, ...], letters: dict[str, int]) -> bool:
    if not isinstance(shape, list) or len(shape) != len(sides):
        return False
    return all(_is_side(told, side, letters) for told, side in zip(shape, sides, strict=True))


def _is_side(told: object, side: Side, letters: dict[str, int]) -> bool:
    if not isinstance(told, int) or told < 0:
        return False
    if isinstance(side, str):
        return letters.setdefault(side, told) == told
    return told in side if isinstance(side, tuple) else told == side
