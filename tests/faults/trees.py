"""What a command left on disk: is every file whole, and is it what an undisturbed command leaves?"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import yaml
from safetensors.numpy import load_file

from mer.video_writer import is_whole_mp4

Content = dict[str, bytes]
_UNLIKE = ("seconds", "git_commit", "started", "files")  # of JSON: what differs by run, or by folder
_KEPT_HIDDEN = (".lock",)  # a run's, empty
_HYDRAS = ("multirun.yaml",)  # written at a sweep's start and read by nobody; empty where there was no room for it


def files(folder: Path) -> Iterator[Path]:
    """Every file that a user or mer would read: none that is hidden, a lock, a claim or a file in the making."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and path.name not in _HYDRAS and not any(part.startswith(".") for part in parts):
            yield path


def content(folder: Path, pattern: str) -> Content:
    """The bytes of the files that match, JSON without what differs from run to run."""
    found = {}
    for path in files(folder):
        if path.match(pattern):
            found[str(path.relative_to(folder))] = _comparable(path)
    return found


def half_written(folder: Path) -> list[str]:
    """Files that cannot be read as what their names say; of a kind unknown here, too: nothing may pass unread."""
    return [str(path.relative_to(folder)) for path in files(folder) if not _is_whole(path)]


def left_over(folder: Path) -> list[str]:
    """Hidden files, once a command has ended well: what those that were killed had begun."""
    hidden = set(folder.rglob("*")) - set(files(folder))
    found = (path for path in hidden if path.is_file() and path.name not in (*_KEPT_HIDDEN, *_HYDRAS))
    return sorted(str(path.relative_to(folder)) for path in found)


def _comparable(path: Path) -> bytes:
    if path.suffix != ".json":
        return path.read_bytes()
    try:
        told = json.loads(path.read_text())
    except ValueError:  # half of it
        return path.read_bytes()
    if not isinstance(told, dict):
        return path.read_bytes()
    return json.dumps({key: value for key, value in told.items() if key not in _UNLIKE}, sort_keys=True).encode()


def _is_whole(path: Path) -> bool:
    read = _READERS.get(path.suffix)
    try:
        return read is not None and read(path)
    except Exception:  # whatever a reader says of it
        return False


def _safetensors(path: Path) -> bool:
    load_file(path)
    return True


def _arrays(path: Path) -> bool:
    with path.open("rb") as opened, np.load(opened) as arrays:
        return all(arrays[name] is not None for name in arrays.files)


def _csv(path: Path) -> bool:
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    return path.stat().st_size == 0 or (path.read_text().endswith("\n") and len({len(row) for row in rows}) == 1)


def _png(path: Path) -> bool:
    return path.read_bytes().endswith(b"IEND\xaeB`\x82") and cv2.imread(str(path)) is not None


def _svg(path: Path) -> bool:
    return ElementTree.fromstring(path.read_bytes()).tag.endswith("svg")


def _video(path: Path) -> bool:
    """It ends where its header says, and all the frames that it tells of can be decoded."""
    capture = cv2.VideoCapture(str(path))
    told = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    return is_whole_mp4(path) and told > 0 and all(capture.read()[0] for _ in range(told))


def _json(path: Path) -> bool:
    text = path.read_bytes()
    digest, _, body = text.partition(b"\n")
    if len(digest) == 64:  # the index's cache bears its own
        return hashlib.sha256(body).hexdigest().encode() == digest
    return isinstance(json.loads(text), (dict, list))


def _json_lines(path: Path) -> bool:
    text = path.read_text()
    return text.endswith("\n") and all(isinstance(json.loads(line), dict) for line in text.splitlines())


def _text_that_ends(ending: str) -> Callable[[Path], bool]:
    return lambda path: path.read_text().endswith(ending)


_READERS: dict[str, Callable[[Path], bool]] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".yaml": lambda path: yaml.safe_load(path.read_text()) is not None,
    ".csv": _csv,
    ".safetensors": _safetensors,
    ".npz": _arrays,
    ".png": _png,
    ".svg": _svg,
    ".mp4": _video,
    ".pdf": lambda path: path.read_bytes().rstrip().endswith(b"%%EOF"),
    ".html": _text_that_ends("</html>\n"),
    ".md": _text_that_ends("\n"),
    ".log": lambda path: True,  # what the harness's commands print
}
