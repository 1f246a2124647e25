"""Eulerian video magnification."""

from mer.magnify.eulerian import EulerianMagnifier, NoMagnification
from mer.magnify.pyramid import collapse, laplacian_pyramid, n_levels
from mer.magnify.temporal import IIR, TemporalFilter

__all__ = [
    "IIR",
    "EulerianMagnifier",
    "NoMagnification",
    "TemporalFilter",
    "collapse",
    "laplacian_pyramid",
    "n_levels",
]
