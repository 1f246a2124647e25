"""Progress on stderr: bars on a terminal, one line a step elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

err = Console(stderr=True, highlight=False)


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


class EpochBar(pl.Callback):
    """Shows the epochs of the fold that is training."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Advance the bar."""
        self._counter(trainer.current_epoch + 1, int(trainer.max_epochs or 0))


def say(message: Any) -> None:
    """Print a line for the person at the terminal, on stderr, so that stdout stays a result."""
    err.print(message, soft_wrap=True, markup=False)
