"""What a tracker does for a run, and the one that leaves it at the run's own files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from mer.protocols.folds import Fold


class Tracker(Protocol):
    """Follows a run: opened once, told each fold once, ended once by ``close`` or ``fail``."""

    def open(self, folder: Path, key: str, config: Mapping[str, Any]) -> None:
        """Begin, or go on with, the run kept in ``folder``, whose settings have the fingerprint ``key``."""
        ...

    def fold(self, fold: Fold, folder: Path, is_new: bool) -> None:
        """Take a fold that is complete in ``folder``: trained just now (``is_new``) or found so. In the main process.

        ``folder`` holds metrics.csv (epoch, train_loss, train_accuracy; one row an epoch), metrics.json,
        predictions.csv and model.safetensors.
        """
        ...

    def close(self, metrics: Mapping[str, Any], predictions: pd.DataFrame) -> None:
        """Take the pooled result, when all files of the run are written, and end."""
        ...

    def fail(self, reason: str) -> None:
        """End a run that did not finish, so that it can go on later."""
        ...


class FilesTracker:
    """Nothing beside what every run writes: ``folds/<subject>/metrics.csv``, predictions.csv, metrics.json."""

    def open(self, folder: Path, key: str, config: Mapping[str, Any]) -> None:
        """Nothing to begin."""

    def fold(self, fold: Fold, folder: Path, is_new: bool) -> None:
        """Nothing to add."""

    def close(self, metrics: Mapping[str, Any], predictions: pd.DataFrame) -> None:
        """Nothing to end."""

    def fail(self, reason: str) -> None:
        """Nothing to end."""
