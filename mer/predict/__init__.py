"""Movements of a face in one's own video: spotted, and labelled by a trained model."""

from mer.apex.interval import Interval
from mer.predict.choose import SpotSettings
from mer.predict.frames import FrameFolder, FramesInMemory, FrameStream, VideoFile, open_frames
from mer.predict.recognizer import Recognizer, landmark_source
from mer.predict.results import Movement, Prediction, RefusedMovement, write_lines
from mer.predict.spotting import FaceSpan, Spotting, spot

__all__ = [
    "FaceSpan",
    "FrameFolder",
    "FrameStream",
    "FramesInMemory",
    "Interval",
    "Movement",
    "Prediction",
    "Recognizer",
    "RefusedMovement",
    "SpotSettings",
    "Spotting",
    "VideoFile",
    "landmark_source",
    "open_frames",
    "spot",
    "write_lines",
]
