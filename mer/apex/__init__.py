"""Which frame of a clip is its apex."""

from mer.apex.choose import AnnotatedApex, ApexChooser, MiddleApex

__all__ = ["AnnotatedApex", "ApexChooser", "MiddleApex"]
