"""The clip index kept on disk, and used again as long as everything it was read from is as it was."""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from mer.clip import COLUMNS, ClipIndex, Note, clip_index
from mer.datasets.source import ClipSource
from mer.datasets.tree import UNSURE, source_state
from mer.errors import MerError
from mer.fingerprint import fingerprint
from mer.store import Store

# A folder changed again within the clock's tick keeps its time, so what changed just now is not kept.
_SETTLED_SECONDS = 2.0


def read_index(source: ClipSource, settings: Mapping[str, Any], store: str | Path) -> ClipIndex:
    """The clip index of ``source``, read anew only where a sheet, a folder, the settings or mer's adapters changed.

    Args:
        source: the dataset.
        settings: its configuration.
        store: folder of the store; the index lies in ``<store>/index``.

    Raises:
        MerError: as ``source.load()`` does.
    """
    here = [os.getcwd(), os.path.expanduser("~")]  # noqa: PTH109, PTH111 - Path's raise where there is none
    key = fingerprint({"settings": settings, "from": here, "adapters": _adapters_digest()})
    kept_in = Store(store)
    path = kept_in.root / "index" / f"{source.name}-{key}.json"
    kept = _read(path)
    if kept is not None:
        return kept
    started = time.time_ns()
    index = source.load()
    if index.sources and _settled(index.sources, started):
        _write(kept_in, path, index)
    return index


def _read(path: Path) -> ClipIndex | None:
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    try:
        return _parsed(json.loads(body))
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # its digest is right, yet no index of mer's
        return None


def _parsed(kept: Any) -> ClipIndex | None:
    if any(source_state(source) != _state(state) for source, state in kept["sources"].items()):
        return None
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in kept["clips"]]
    for row in rows:
        folder, names = row["files"]
        row["files"] = tuple(folder + name for name in names)
    index = clip_index(rows, [Note(*note) for note in kept["notes"]])
    return replace(index, sources={source: _state(state) for source, state in kept["sources"].items()})


def _write(store: Store, path: Path, index: ClipIndex) -> None:
    clips = index.clips.astype(object)
    rows = clips.where(clips.notna(), None)[list(COLUMNS)].itertuples(index=False, name=None)
    body = json.dumps(
        {
            "sources": index.sources,
            "notes": [[note.clip, note.kind, note.reason] for note in index.notes],
            "clips": [[*row[:-1], _folded(row[-1])] for row in rows],  # files stand last
        },
        default=int,
    ).encode()
    # A store that cannot be written costs time, not the result.
    with suppress(MerError):
        store.write_bytes(path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def _folded(files: tuple[str, ...]) -> tuple[str, list[str]]:
    """The folder that all ``files`` lie in, written once, and their names."""
    folder = files[0][: files[0].rfind("/") + 1]
    if any(not file.startswith(folder) for file in files):
        folder = ""
    return folder, [file[len(folder) :] for file in files]


def _state(state: Any) -> Any:
    return None if state is None else tuple(state)


def _settled(sources: Mapping[str, Any], started_ns: int) -> bool:
    if UNSURE in sources.values():
        return False
    newest = max((state[1] for state in sources.values() if state and state[0] == "folder"), default=0)
    return bool(newest < started_ns - _SETTLED_SECONDS * 1e9)


@cache
def _adapters_digest() -> str:
    """Digest of the code that reads datasets, so that an index never outlives it."""
    package = Path(__file__).parent
    files = [*sorted(package.glob("*.py")), package.parent / "clip.py", package.parent / "frames.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
