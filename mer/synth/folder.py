"""A folder that is written whole, or gone on with, but never mixed with anything else."""

from pathlib import Path

from mer.errors import MerError
from mer.synth.readme import FIRST_LINE

README = "README.txt"


def claim_folder(out: Path, readme: str) -> None:
    """Make ``out`` ours, or go on in it if the same settings were written there before.

    Raises:
        MerError: ``out`` is a file, holds something else, or holds clips of other settings.
    """
    remedy = "choose a new folder"
    if out.exists() and not out.is_dir():
        raise MerError("out to be a folder", f"the file {out}", remedy)
    out.mkdir(parents=True, exist_ok=True)
    if not any(out.iterdir()):
        write_atomically(out / README, readme.encode())
        return
    found = (out / README).read_text(encoding="utf-8", errors="replace") if (out / README).is_file() else ""
    if not found.startswith(FIRST_LINE):
        raise MerError("out to be a new or empty folder", f"other files in {out}", remedy)
    if found != readme:
        raise MerError("the settings that out was written with", f"others than {out / README} names", remedy)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file or none: under a temporary name beside ``path``, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(content)
    temporary.replace(path)
