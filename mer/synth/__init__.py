"""Synthetic micro-expression clips in a dataset's true layout on disk, with the true flow beside them."""

from mer.synth.casme2 import write_casme2

__all__ = ["write_casme2"]
