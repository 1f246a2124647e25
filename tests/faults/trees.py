"""What a command left on disk: is every file whole, and is it what an undisturbed command leaves?"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import yaml
from safetensors.numpy import load_file

Content = dict[str, bytes]
_SECONDS = ("seconds", "git_commit", "started")


def files(folder: Path) -> Iterator[Path]:
    """Every file that a user or mer would read: no hidden ones, which are locks, claims and files in the making."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") for part in parts):
            yield path


def content(folder: Path, pattern: str) -> Content:
    """The bytes of the files that match, JSON without what differs from run to run."""
    found = {}
    for path in files(folder):
        if path.match(pattern):
            found[str(path.relative_to(folder))] = _comparable(path)
    return found


def half_written(folder: Path) -> list[str]:
    """Files that cannot be read as what their names say."""
    return [str(path.relative_to(folder)) for path in files(folder) if not _is_whole(path)]


def _comparable(path: Path) -> bytes:
    if path.suffix != ".json":
        return path.read_bytes()
    told = json.loads(path.read_text())
    if not isinstance(told, dict):
        return path.read_bytes()
    return json.dumps({key: value for key, value in told.items() if key not in _SECONDS}, sort_keys=True).encode()


def _is_whole(path: Path) -> bool:
    read = _READERS.get(path.suffix)
    try:
        return read is None or read(path)
    except Exception:  # whatever a reader says of it
        return False


def _safetensors(path: Path) -> bool:
    load_file(path)
    return True


def _csv(path: Path) -> bool:
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    return path.stat().st_size == 0 or (path.read_text().endswith("\n") and len({len(row) for row in rows}) == 1)


def _png(path: Path) -> bool:
    return path.read_bytes().endswith(b"IEND\xaeB`\x82") and cv2.imread(str(path)) is not None


def _json(path: Path) -> bool:
    text = path.read_bytes()
    digest, _, body = text.partition(b"\n")
    if len(digest) == 64:  # the index's cache bears its own
        return hashlib.sha256(body).hexdigest().encode() == digest
    return isinstance(json.loads(text), (dict, list))


_READERS: dict[str, Callable[[Path], bool]] = {
    ".json": _json,
    ".yaml": lambda path: yaml.safe_load(path.read_text()) is not None,
    ".csv": _csv,
    ".safetensors": _safetensors,
    ".png": _png,
}
