"""Synthetic micro-expression clips in a dataset's true layout on disk, with the truth beside them."""

from mer.synth.casme2 import write_casme2
from mer.synth.samm import write_samm
from mer.synth.smic import write_smic

__all__ = ["write_casme2", "write_samm", "write_smic"]
