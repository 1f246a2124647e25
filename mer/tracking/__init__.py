"""Experiment trackers. Nothing else in mer imports wandb, and this only where ``logger=wandb`` asks for it."""

from mer.tracking.loggers import CsvTracker, Tracker

__all__ = ["CsvTracker", "Tracker"]
