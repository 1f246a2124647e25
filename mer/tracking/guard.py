"""Keeps a tracker's troubles away from the training it follows."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from mer.errors import MerError
from mer.files import atomic_file
from mer.messages import user_message
from mer.progress import say
from mer.protocols.folds import Fold
from mer.runs import FAILURE, TRACKING
from mer.tracking.tracker import Tracker


class GuardedTracker:
    """Passes everything on to ``tracker`` until it fails; then says so once and lets the run go on without it."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker: Tracker | None = tracker

    def open(self, folder: Path, key: str, config: Mapping[str, Any]) -> None:
        self._try(lambda tracker: tracker.open(folder, key, config))

    def fold(self, fold: Fold, folder: Path, is_new: bool) -> None:
        self._try(lambda tracker: tracker.fold(fold, folder, is_new))

    def close(self, metrics: Mapping[str, Any], predictions: pd.DataFrame) -> None:
        self._try(lambda tracker: tracker.close(metrics, predictions))

    def fail(self, reason: str) -> None:
        self._try(lambda tracker: tracker.fail(reason))

    def _try(self, step: Callable[[Tracker], None]) -> None:
        if self._tracker is None:
            return
        try:
            step(self._tracker)
        except Exception as error:  # whatever it is, hours of training are worth more
            self._tracker = None
            say(f"the tracker stopped ({_line(error)}); the run goes on, and its files are complete")


@contextmanager
def tracked(tracker: Tracker, folder: Path, key: str, config: Mapping[str, Any]) -> Iterator[Tracker]:
    """Yield ``tracker``, guarded and open; where the block raises, end it as failed and keep the reason in ``folder``.

    The block is to call ``close``. A file in ``folder`` stands for a block that did not end, however it was ended.
    """
    guarded = GuardedTracker(tracker)
    (folder / FAILURE).unlink(missing_ok=True)
    try:
        (folder / TRACKING).touch()
        guarded.open(folder, key, config)
        yield guarded
        (folder / TRACKING).unlink(missing_ok=True)
    except BaseException as error:
        reason = _line(error)
        guarded.fail(reason)
        with suppress(MerError), atomic_file(folder / FAILURE) as temporary:  # a full disk may be the very reason
            temporary.write_text(json.dumps({"reason": reason, "ended": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}) + "\n")
        raise


def _line(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "stopped by Ctrl-C"
    known = user_message(error)
    return known or " ".join(f"{type(error).__name__}: {error}".split())
