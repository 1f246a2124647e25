"""What a tracker does for a run, and the one that leaves it at the run's files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from mer.protocols.folds import Fold


class Tracker(Protocol):
    """Follows a run: opened once, told of each fold once, closed with the pooled result or told why there is none."""

    def open(self, folder: Path, key: str, config: Mapping[str, Any]) -> None:
        """Begin, or go on with, the run kept in ``folder``."""
        ...

    def fold(self, fold: Fold, folder: Path, is_new: bool) -> None:
        """A fold is complete in ``folder``: trained now, or before."""
        ...

    def close(self, metrics: Mapping[str, Any], predictions: pd.DataFrame) -> None:
        """Log the pooled result and end."""
        ...

    def fail(self, reason: str) -> None:
        """The run did not finish; it may go on another time."""
        ...


class CsvTracker:
    """Nothing beside the files of the run's folder; ``folds/<subject>/metrics.csv`` has one row an epoch."""

    def open(self, folder: Path, key: str, config: Mapping[str, Any]) -> None:
        """Nothing to begin."""

    def fold(self, fold: Fold, folder: Path, is_new: bool) -> None:
        """Nothing to add."""

    def close(self, metrics: Mapping[str, Any], predictions: pd.DataFrame) -> None:
        """Nothing to end."""

    def fail(self, reason: str) -> None:
        """Nothing to end."""
