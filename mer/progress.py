"""Progress on stderr: bars on a terminal, one line a step elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from mer.errors import one_line

_SECONDS_BETWEEN_LINES = 30.0  # of progress, where stderr is no terminal
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
        RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=not sys.stderr.isatty()) as progress:
        yield progress


class RateColumn(ProgressColumn):
    """Steps a second, or seconds a step where that is slower."""

    def render(self, task: Task) -> Text:
        """The rate of ``task``."""
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each")


class Counter:
    """One bar; called with (done, total)."""

    def __init__(self, progress: Progress, description: str) -> None:
        self._progress = progress
        self._description = description
        self._task = progress.add_task(description, total=None)
        self._started = time.monotonic()
        self._next_line_s = _SECONDS_BETWEEN_LINES

    def __call__(self, done: int, total: int) -> None:
        """Show ``done`` of ``total``: on the bar, or where there is no terminal as a line from time to time."""
        self._progress.update(self._task, completed=done, total=total)
        seconds = time.monotonic() - self._started
        if self._progress.disable and 0 < done < total and seconds >= self._next_line_s:
            self._next_line_s = seconds + _SECONDS_BETWEEN_LINES
            rate = done / seconds
            say(f"{self._description}: {done}/{total}, {rate:.2g}/s, {(total - done) / rate:.0f} s left")


def say(message: str) -> None:
    """Print a line for the person at the terminal, on stderr, so that stdout stays a result."""
    err.print(one_line(message), soft_wrap=True, markup=False)
