"""What a layout has to say: how a dataset names, sorts and codes its clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mer.synth.emotions import Emotion
from mer.synth.portrait import FloatArray


@dataclass(frozen=True)
class Row:
    """One clip as its dataset names it.

    Attributes:
        subject: as mer's adapter spells it, ``sub01``.
        clip: as mer's adapter spells it, ``EP01_01f``.
        number: the subject's, from 1.
        onset, apex, offset: the frames' own numbers.
        action_units: as the sheets write them.
        emotion: as the dataset spells it.
        peak_px: longest displacement of its action units.
        landmarks: ``(68, 2)``, px, on the onset frame.
    """

    subject: str
    clip: str
    number: int
    onset: int
    apex: int
    offset: int
    action_units: str
    emotion: str
    peak_px: float
    landmarks: FloatArray


class Layout(Protocol):
    """How a dataset names and sorts what it is handed out as."""

    @property
    def name(self) -> str:
        """The dataset's name in mer, ``casme2``."""
        ...

    @property
    def words(self) -> str:
        """The words of a mer command that choose this dataset in this layout, ``dataset=casme2``."""
        ...

    @property
    def fps(self) -> float:
        """Frames per second."""
        ...

    @property
    def is_grey(self) -> bool:
        """Whether frames hold one channel."""
        ...

    @property
    def onsets(self) -> tuple[int, int]:
        """Smallest number of an onset frame, and what is above the largest."""
        ...

    @property
    def emotions(self) -> Mapping[str, Emotion]:
        """The emotions as the dataset spells them."""
        ...

    @property
    def description(self) -> str:
        """The layout in a few lines, for README.txt."""
        ...

    def names(self, subject: int, clip: int, emotions: Sequence[str]) -> tuple[str, str]:
        """Subject and clip as mer's adapter spells them; ``emotions`` are those of the subject's clips in order."""
        ...

    def frame_path(self, row: Row, number: int) -> str:
        """Where frame ``number`` of a clip lies."""
        ...

    def sheet(self, rows: Sequence[Row]) -> tuple[str, bytes]:
        """The coding sheet's file name and bytes."""
        ...
