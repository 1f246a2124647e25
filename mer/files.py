"""Writing files whole or not at all, and names that are safe as file names."""

import contextlib
import fcntl
import glob
import os
import re
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from mer.errors import MerError
from mer.fingerprint import fingerprint

_UNSAFE = re.compile(r"[^\w.,=+-]")
_LONGEST_NAME = 100
_PART = ".part"
_WRITING = ".writing-"


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside ``path`` that takes its name when the block ends well.

    What killed processes left of theirs for this ``path`` is removed: it is known by the lock that nobody holds.

    Raises:
        MerError: the folder cannot be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{path.name[:_LONGEST_NAME]}{_WRITING}"
        remove_abandoned(path.parent.glob(f"{glob.escape(prefix)}*"))
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=path.suffix)
        temporary = Path(name)
        with os.fdopen(handle) as held:
            with contextlib.suppress(OSError):  # where there are no locks nothing is removed either
                fcntl.flock(held, fcntl.LOCK_EX)
            yield temporary
            _flush([temporary])
            temporary.chmod(0o644)
            temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise cannot_write(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def remove_abandoned(files: Iterable[Path]) -> None:
    """Remove those of ``files`` that killed processes have left: those that nobody holds a lock on."""
    for path in files:
        try:
            with path.open("rb") as opened:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except OSError:  # held by a living process, or renamed by now
            continue


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside ``path`` that takes its name when the block ends well.

    Its name is this process's own: another that makes the same folder, here or on another machine, is not in the way.

    Raises:
        MerError: the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_PART}")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        _flush(file for file in temporary.rglob("*") if file.is_file())
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise cannot_write(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _flush(files: Iterable[Path]) -> None:
    """Wait until ``files`` are on the disk: a name must not outlive a power cut that its bytes do not."""
    for file in files:
        with file.open("rb") as written:
            os.fsync(written.fileno())


def clear_parts(folder: Path) -> None:
    """Remove what killed processes left of their ``atomic_folder`` in ``folder``, in which nobody may be writing."""
    for part in folder.glob(f".*{_PART}"):
        shutil.rmtree(part, ignore_errors=True)


def unpacked_bytes(file: Path) -> int:
    """Bytes that the members of a zip archive claim to have unpacked, which no reader goes beyond; 0 for no archive."""
    try:
        with zipfile.ZipFile(file) as archive:
            return sum(member.file_size for member in archive.infolist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return 0


def cannot_write(path: Path, error: OSError | SafetensorError) -> MerError:
    """The one line for a disk that is full or a folder that is not ours."""
    return MerError(
        f"to write {path}", getattr(error, "strerror", None) or str(error), "free disk space or choose another folder"
    )


def safe_name(name: str) -> str:
    """``name`` as one path component: unchanged where it is one, else replaced characters and a fingerprint."""
    safe = _UNSAFE.sub("_", name)[:_LONGEST_NAME].lstrip(".")
    return safe if safe and safe == name else f"{safe}-{fingerprint(name)[:8]}"
