"""Experiment trackers. Nothing else in mer imports wandb, and this only where it is asked for."""

from mer.tracking.guard import tracked
from mer.tracking.tracker import FilesTracker, Tracker

__all__ = ["FilesTracker", "Tracker", "tracked"]
