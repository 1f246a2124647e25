"""Which frame of a clip is its apex: annotated, in the middle, or spotted on the crops."""

from mer.apex.choose import AnnotatedApex, ApexChooser, MiddleApex
from mer.apex.dcrois import DivideAndConquer
from mer.apex.flow_peak import FlowPeak
from mer.apex.frame_landmarks import FrameLandmarks, TrackedLandmarks
from mer.apex.interval import Interval, spot_interval
from mer.apex.spot import ApexSpotter, SpottedApex, spotter_of

__all__ = [
    "AnnotatedApex",
    "ApexChooser",
    "ApexSpotter",
    "DivideAndConquer",
    "FlowPeak",
    "FrameLandmarks",
    "Interval",
    "MiddleApex",
    "SpottedApex",
    "TrackedLandmarks",
    "spot_interval",
    "spotter_of",
]
