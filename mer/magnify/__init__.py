"""Video magnification: Eulerian, linear or by phase."""

from mer.magnify.bound import share_beyond_bound
from mer.magnify.eulerian import EulerianMagnifier, NoMagnification
from mer.magnify.ideal import Ideal
from mer.magnify.magnifier import Bounded, Magnifier
from mer.magnify.phase import PhaseMagnifier
from mer.magnify.pyramid import amplify, collapse, laplacian_pyramid, n_levels
from mer.magnify.temporal import IIR, Butterworth, IIRHz, TemporalFilter

__all__ = [
    "IIR",
    "Bounded",
    "Butterworth",
    "EulerianMagnifier",
    "IIRHz",
    "Ideal",
    "Magnifier",
    "NoMagnification",
    "PhaseMagnifier",
    "TemporalFilter",
    "amplify",
    "collapse",
    "laplacian_pyramid",
    "n_levels",
    "share_beyond_bound",
]
