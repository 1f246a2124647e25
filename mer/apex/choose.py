"""Apex by annotation or by position."""

from typing import Protocol

import pandas as pd

from mer.clip import clip_name
from mer.errors import MerError


class ApexChooser(Protocol):
    """Chooses a clip's apex frame."""

    def choose(self, clip: pd.Series) -> int:
        """Frame number in (onset, offset]."""
        ...


class MiddleApex:
    """The frame halfway from onset to offset: what to beat."""

    def choose(self, clip: pd.Series) -> int:
        onset, offset = int(clip["onset"]), int(clip["offset"])
        if offset <= onset:
            raise MerError(f"two frames or more in {clip_name(clip)}", "one", "leave the clip out")
        return onset + (offset - onset + 1) // 2


class AnnotatedApex:
    """The dataset's own apex frame.

    Args:
        missing: what to do with a clip that has none: another chooser, a spotter, or None to refuse the clip.
    """

    def __init__(self, missing: ApexChooser | None = None) -> None:
        self.missing = missing

    def choose(self, clip: pd.Series) -> int:
        if not pd.isna(clip["apex"]):
            return int(clip["apex"])
        if self.missing is None:
            raise MerError(f"an annotated apex in {clip_name(clip)}", "none", "set apex=middle, or apex.missing")
        return self.missing.choose(clip)
