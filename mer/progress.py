"""Progress on stderr: bars on a terminal, one line a step elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_WIDE = 140  # columns where the output is no terminal
err = Console(stderr=True, highlight=False)


def output() -> Console:
    """A console on stdout, for results."""
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _WIDE)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A Rich progress display on stderr; silent where stderr is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=not sys.stderr.isatty()) as progress:
        yield progress


class Counter:
    """One bar; called with (done, total)."""

    def __init__(self, progress: Progress, description: str) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=None)

    def __call__(self, done: int, total: int) -> None:
        """Show ``done`` of ``total``."""
        self._progress.update(self._task, completed=done, total=total)


def say(message: str) -> None:
    """Print a line for the person at the terminal, on stderr, so that stdout stays a result."""
    err.print(message, soft_wrap=True, markup=False)
