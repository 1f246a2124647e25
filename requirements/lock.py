"""Write build.txt, dev.txt and torch.txt: exact versions and the sha256 of every file; ``make lock``.

Versions are those of constraints.txt, and for what it does not name those of the files as they are;
``make lock LOCK=--upgrade`` takes the newest. Needs uv and the registry; installing needs neither uv nor this file.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
CONSTRAINTS = HERE.parent / "constraints.txt"
BUILD = ("pip", "setuptools")
# What PyTorch's own build brings on Linux, and the CPU build does not.
_CUDA = re.compile(r"(torch|triton|cuda-[a-z]+|nvidia-[a-z0-9-]+)==")
_HASH = "    --hash=sha256:"
_HEADS = {
    "build.txt": "What builds and installs.",
    "dev.txt": "mer[dev] without PyTorch.",
    "torch.txt": "PyTorch, and the CUDA libraries of its Linux build from PyPI: constraints.",
}


def main(arguments: Sequence[str]) -> None:
    """Lock anew; ``arguments`` go to uv."""
    locked = entries(
        _compile([str(HERE.parent / "pyproject.toml"), "--extra", "dev"], arguments, _read("dev", "torch"))
    )
    with TemporaryDirectory() as folder:
        wanted = Path(folder) / "build.in"
        wanted.write_text("\n".join(BUILD))
        build = entries(_compile([str(wanted), "--no-annotate"], arguments, _read("build")))
    heavy = [with_cpu_wheels(entry, (HERE / "torch_cpu.sha256").read_text()) for entry in locked if _CUDA.match(entry)]
    _write("build.txt", build)
    _write("dev.txt", [entry for entry in locked if not _CUDA.match(entry)])
    _write("torch.txt", heavy)


def entries(lock: str) -> list[str]:
    """A lock file's text -> one text a package: its requirement, hashes and comments."""
    return [entry.rstrip("\n") for entry in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]]


def with_cpu_wheels(entry: str, listing: str) -> str:
    """``entry``, and if it is PyTorch's, the hashes of its CPU builds, which are not on PyPI.

    Args:
        entry: as ``entries`` gives it.
        listing: lines ``hash  file name``, as sha256sum writes them.
    """
    found = re.match(r"torch==(\S+)", entry)
    if not found:
        return entry
    hashes = [line.split()[0] for line in listing.splitlines() if f"torch-{found[1]}+cpu-" in line]
    if not hashes:
        sys.exit(f"expected CPU builds of torch {found[1]} in requirements/torch_cpu.sha256; got others; add them")
    first, rest = entry.split("\n", 1)
    return "\n".join([first, *(f"{_HASH}{one} \\" for one in sorted(hashes)), rest])


def _compile(what: Sequence[str], arguments: Sequence[str], as_it_was: str) -> str:
    """The lock of ``what`` for any platform; uv keeps the versions of ``as_it_was`` where it can."""
    with TemporaryDirectory() as folder:
        lock = Path(folder) / "lock.txt"
        lock.write_text(as_it_was)
        words = ["uv", "pip", "compile", *what, "--quiet", "--no-config", "--no-header", "--universal"]
        words += ["--python-version", "3.11", "--generate-hashes", "--constraint", str(CONSTRAINTS)]
        subprocess.run([*words, "--output-file", str(lock), *arguments], check=True, cwd=HERE.parent)
        return lock.read_text()


def _read(*names: str) -> str:
    files = [HERE / f"{name}.txt" for name in names]
    return without_hashes("\n".join(file.read_text() for file in files if file.is_file()))


def without_hashes(lock: str) -> str:
    """The versions of a lock alone: uv would take its hashes over unseen."""
    return "\n".join(line.removesuffix("\\").strip() for line in lock.splitlines() if re.match("[a-z0-9]", line))


def _write(name: str, packages: Iterable[str]) -> None:
    (HERE / name).write_text("\n".join([f"# {_HEADS[name]} Written by make lock.", *packages]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
