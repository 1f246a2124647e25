"""Alignment: 68 landmarks on the onset frame, one similarity transform a clip."""

from mer.align.crop import Aligner, ClipTransform, EyeCrop, NoCrop
from mer.align.dlib_points import DlibLandmarks
from mer.align.drift import drift_corrections
from mer.align.fan import FanLandmarks
from mer.align.given import GivenLandmarks
from mer.align.jitter import residual_jitter_px
from mer.align.landmarks import FoundLandmarks, LandmarkSource, eye_centres

__all__ = [
    "Aligner",
    "ClipTransform",
    "DlibLandmarks",
    "EyeCrop",
    "FanLandmarks",
    "FoundLandmarks",
    "GivenLandmarks",
    "LandmarkSource",
    "NoCrop",
    "drift_corrections",
    "eye_centres",
    "residual_jitter_px",
]
