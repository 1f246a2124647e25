"""Spotting: the apex from what the aligned crops show, for clips whose annotation does not tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer.align.landmarks import N_LANDMARKS, Points
from mer.apex.choose import AnnotatedApex, ApexChooser
from mer.clip import clip_name
from mer.errors import MerError

Crops = NDArray[np.uint8]
Curve = NDArray[np.float32]


@dataclass(frozen=True)
class SpottedApex:
    """What a spotter found in one clip.

    Attributes:
        frame: the apex, an index into the crops, above 0.
        curve: ``(T,)`` float32, how much each crop differs from the first, onset: 0 there. Its unit is the spotter's.
    """

    frame: int
    curve: Curve


@runtime_checkable
class ApexSpotter(ApexChooser, Protocol):
    """Spots the apex in a clip's crops. It cannot ``choose`` it by the clip's row: ``spotter_of`` tells one apart."""

    def spot(self, crops: Crops, landmarks_px: Points | None) -> SpottedApex:
        """Crops ``(T, S, S, 3)`` uint8 RGB, onset first, aligned by one transform -> the apex and its curve.

        Args:
            crops: two or more.
            landmarks_px: ``(68, 2)`` of the first crop, in its px; None where there are none.

        Raises:
            MerError: the shapes differ from those, or the spotter needs landmarks.
        """
        ...

    def curve(self, crops: Crops, landmarks_px: Points | None) -> Curve:
        """The curve ``(T,)`` alone, of a clip or of an unlabelled video (``spot_interval``); otherwise as ``spot``."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """What the apex depends on beside the crops and the landmarks, plain values for the store's key."""
        ...

    def choose(self, clip: pd.Series) -> int:
        """Refuse: a row has no frames to look at.

        Raises:
            MerError: always.
        """
        what = f"an apex of {clip_name(clip)} that its row tells"
        raise MerError(what, f"{type(self).__name__}, which looks at frames", "prepare the clip, or set apex=middle")


def spotter_of(apex: ApexChooser, clip: pd.Series) -> ApexSpotter | None:
    """The spotter that must see the crops of ``clip``; None where ``apex`` chooses by its row alone."""
    if isinstance(apex, AnnotatedApex):
        return spotter_of(apex.missing, clip) if apex.missing is not None and pd.isna(clip["apex"]) else None
    return apex if isinstance(apex, ApexSpotter) else None


def require_crops(crops: Crops, landmarks_px: Points | None) -> None:
    """Refuse what is no clip of crops, or no landmarks.

    Raises:
        MerError: other shapes or types than ``ApexSpotter.spot`` takes, or landmarks that are no numbers.
    """
    if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[1] != crops.shape[2] or crops.shape[3] != 3:
        raise MerError("crops (T, S, S, 3) of uint8", f"{crops.dtype} {crops.shape}", "give a clip's aligned crops")
    if len(crops) < 2:
        raise MerError("two crops or more to spot an apex in", f"{len(crops)}", "leave the clip out")
    if landmarks_px is None:
        return
    if landmarks_px.shape != (N_LANDMARKS, 2) or not np.isfinite(landmarks_px).all():
        got = f"{landmarks_px.shape}" if landmarks_px.shape != (N_LANDMARKS, 2) else "some that are no numbers"
        raise MerError(f"landmarks ({N_LANDMARKS}, 2) of the first crop", got, "give those of its onset frame")


def grey_of(crops: Crops) -> Crops:
    """``(T, S, S, 3)`` RGB -> ``(T, S, S)`` grey."""
    return np.stack([np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8) for crop in crops])
