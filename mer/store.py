"""The store: prepared tensors on disk, named by what they depend on, written whole, checked when read."""

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from mer.files import cannot_write, remove_abandoned, safe_name
from mer.progress import say
from mer.store_form import Form, read_fitting

WRITING = ".writing"  # folder of files that are being written
_SUFFIX = ".safetensors"
_DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class Usage:
    """Files of one step of one dataset.

    Attributes:
        dataset: its name.
        step: what made them, ``digests``, ``landmarks``, ``key_frames``, ``flow``; of ``index``, the dataset.
        files: their number.
        size_bytes: their size on disk.
    """

    dataset: str
    step: str
    files: int
    size_bytes: int


class Store:
    """Files ``<root>/<dataset>/<subject>/<clip>/<step>-<key>.safetensors``, or without subject and clip.

    A key is a fingerprint of the source's bytes and the settings of the steps up to here, so a file is never out of
    date: other settings are another file. Several processes may use one store at once: a file appears whole, under
    its name, or not at all. A file that was cut off, altered, put in another's place or is of another form than its
    step's is noticed, named, and made again.

    Args:
        root: folder of the store; made on first use.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).expanduser()
        self._is_clear = False

    def path(self, names: tuple[str, ...], step: str, key: str) -> Path:
        """Where a key is kept; ``names`` are dataset, or dataset, subject and clip."""
        return self.root.joinpath(*map(safe_name, names)) / f"{step}-{key}{_SUFFIX}"

    def read(self, path: Path, form: Form) -> dict[str, Tensor] | None:
        """The tensors at ``path``, of form ``form``; None where there are none, which are then to be made (again)."""
        try:
            found = read_fitting(path, form)
            tensors = None if found is None else load(found[1])
        except FileNotFoundError:
            return None
        except SafetensorError:
            tensors = None
        if found is None or tensors is None or not self._is_whole(tensors, _told_checksum(found[0]), path):
            self.discard(path)
            return None
        _mark_used(path)
        return tensors

    def _is_whole(self, tensors: Mapping[str, Tensor], told: object, path: Path) -> bool:
        # A store that was written before places counted has the checksum of no place.
        checked = told == _checksum(tensors, self._place(path)) or told == _checksum(tensors)
        return checked and all(bool(tensor.isfinite().all()) for tensor in tensors.values())

    def discard(self, path: Path) -> None:
        """Name and remove a file that holds what no step of mer's writes, so that it is made again."""
        say(f"damaged, made again: {path}")
        path.unlink(missing_ok=True)

    def _place(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def write(self, path: Path, tensors: Mapping[str, Tensor]) -> None:
        """Write ``tensors`` so that ``path`` holds all of them or does not exist.

        Raises:
            MerError: the folder cannot be written.
        """
        contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
        self.write_bytes(path, save(contiguous, {"checksum": _checksum(contiguous, self._place(path))}))

    def write_bytes(self, path: Path, data: bytes) -> None:
        """Write a file of the store whole or not at all.

        Raises:
            MerError: the folder cannot be written.
        """
        try:
            if not self._is_clear:
                clear_abandoned(self.root / WRITING)
                self._is_clear = True
            while not _write_once(self.root / WRITING, path, data):
                pass
        except OSError as error:
            raise cannot_write(path, error) from error

    def usage(self) -> list[Usage]:
        """Disk use by dataset and step, sorted."""
        sizes: dict[tuple[str, str], list[int]] = defaultdict(list)
        for path in self._files():
            sizes[path.relative_to(self.root).parts[0], path.name.rpartition("-")[0]].append(path.stat().st_size)
        return [Usage(*names, len(found), sum(found)) for names, found in sorted(sizes.items())]

    def prune(self, unused_days: float) -> tuple[int, int]:
        """Remove the files that no run has read or written for so long. Returns their number and bytes."""
        oldest = time.time() - unused_days * _DAY_SECONDS
        stale = [(path, path.stat()) for path in self._files()]
        stale = [(path, status) for path, status in stale if status.st_mtime <= oldest]
        for path, _ in stale:
            path.unlink(missing_ok=True)
            _remove_empty(path.parent, self.root)
        return len(stale), sum(status.st_size for _, status in stale)

    def _files(self) -> Iterator[Path]:
        for path in sorted(self.root.rglob("*")):
            if path.suffix in (_SUFFIX, ".json") and WRITING not in path.parts:
                yield path


def clear_abandoned(writing: Path) -> None:
    """Remove the files in ``writing`` that processes which were killed have left: those that nobody holds a lock on."""
    remove_abandoned(writing.glob("*"))


def _write_once(writing: Path, path: Path, data: bytes) -> bool:
    """Write under a name of its own, locked, then rename; False where another process took it for abandoned."""
    writing.mkdir(parents=True, exist_ok=True)
    temporary = writing / secrets.token_hex(16)
    try:
        with temporary.open("wb") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            opened.write(data)
            opened.flush()  # not to the disk itself: what a power cut leaves behind fails its checksum
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.replace(path)
            except FileNotFoundError:  # taken between its making and its lock
                return False
        return True
    finally:
        temporary.unlink(missing_ok=True)


def _mark_used(path: Path) -> None:
    """Renew the file's time, at most once a day, so that ``prune`` knows it is used."""
    now = time.time()
    try:
        if now - path.stat().st_mtime > _DAY_SECONDS:
            os.utime(path)
    except OSError:  # a store that may only be read
        return


def _checksum(tensors: Mapping[str, Tensor], place: str = "") -> str:
    """SHA-256 of tensors and their names, types and shapes, whatever their order, and of the file's place."""
    digest = hashlib.sha256(place.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _told_checksum(header: Mapping[str, Any]) -> object:
    metadata = header.get("__metadata__")
    return metadata.get("checksum") if isinstance(metadata, dict) else None


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root:
        try:
            folder.rmdir()
        except OSError:  # not empty
            return
        folder = folder.parent
