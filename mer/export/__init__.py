"""Trained models handed on: one file, safe to load."""

from mer.export.file import load_model, write_model
from mer.export.model import ReleasedModel

__all__ = ["ReleasedModel", "load_model", "write_model"]
