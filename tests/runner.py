"""Runs mer as a user does, in this process or in one of its own."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from mer.cli import main

TINY = (
    "dataset=flow_images",
    "features.size=28",
    "model.depth=1",
    "model.widths=[4]",
    "trainer.max_epochs=2",
    "trainer.accelerator=cpu",
    "batch_size=4",
)

# A shell that started the tests in the background may have told them to ignore Ctrl-C.
_MAIN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from mer.cli import main
sys.exit(main())
"""


@dataclass(frozen=True)
class Result:
    """What a command left on the terminal."""

    code: int
    out: str
    err: str


def run_mer(capsys: pytest.CaptureFixture[str], *words: str) -> Result:
    """Run ``mer`` with ``words`` in this process."""
    try:
        code = main(words)
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return Result(code, captured.out, captured.err)


def start_mer(*words: str, folder: Path) -> subprocess.Popen[str]:
    """Start ``mer`` with ``words`` as a process of its own, in ``folder``."""
    command = [sys.executable, "-c", _MAIN, *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def train_words(root: Path, outputs: Path, *more: str) -> list[str]:
    """The words of a training run of seconds on the flow images in ``root``."""
    return ["train", *TINY, f"dataset.roots=[{root}]", f"outputs={outputs}", "name=tiny", *more]


def only_run(outputs: Path) -> Path:
    """The folder of the one run below ``outputs``."""
    (found,) = [path.parent for path in outputs.glob("**/run.json")]
    return found
