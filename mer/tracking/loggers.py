"""What a tracker does for a run, and the one that writes CSV."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from pytorch_lightning.loggers import CSVLogger, Logger

from mer.protocols.folds import Fold


class Tracker(Protocol):
    """Follows a run: opened once, one logger a fold, closed with the pooled result."""

    def open(self, folder: Path, key: str, config: Mapping[str, Any]) -> None:
        """Begin, or go on with, the run kept in ``folder``."""
        ...

    def fold_logger(self, folder: Path, fold: Fold) -> Logger:
        """The Lightning logger of a fold that writes into ``folder``."""
        ...

    def close(self, metrics: Mapping[str, Any], predictions: pd.DataFrame) -> None:
        """Log the pooled result and end."""
        ...


class CsvTracker:
    """``folds/<subject>/metrics.csv``: one row an epoch."""

    def open(self, folder: Path, key: str, config: Mapping[str, Any]) -> None:
        """Nothing to begin."""

    def fold_logger(self, folder: Path, fold: Fold) -> Logger:
        return CSVLogger(str(folder), name="", version="", flush_logs_every_n_steps=10_000)

    def close(self, metrics: Mapping[str, Any], predictions: pd.DataFrame) -> None:
        """Nothing to end: metrics.json and predictions.csv are written anyway."""
