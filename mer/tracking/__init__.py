"""Experiment trackers. Nothing else in mer imports wandb, and this only where it is asked for."""

from mer.tracking.guard import tracked
from mer.tracking.tracker import FilesTracker, Picture, Tracker

__all__ = ["FilesTracker", "Picture", "Tracker", "tracked"]
