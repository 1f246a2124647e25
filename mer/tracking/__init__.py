"""Experiment trackers. Nothing else in mer imports wandb."""

from mer.tracking.loggers import CsvTracker, Tracker
from mer.tracking.wandb_run import WandbTracker

__all__ = ["CsvTracker", "Tracker", "WandbTracker"]
