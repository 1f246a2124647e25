"""Alignment: 68 landmarks on the onset frame, one similarity transform a clip."""

from mer.align.crop import Aligner, EyeCrop, NoCrop
from mer.align.dlib_points import DlibLandmarks
from mer.align.given import GivenLandmarks
from mer.align.landmarks import LandmarkSource, eye_centres

__all__ = ["Aligner", "DlibLandmarks", "EyeCrop", "GivenLandmarks", "LandmarkSource", "NoCrop", "eye_centres"]
