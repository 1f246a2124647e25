"""What the user may choose, checked."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypedDict

from mer.errors import MerError, require_number

LARGEST_MOTION_PX = 5.0  # far beyond micro-expressions; further, the inverse may not converge
FEWEST_FRAMES = 4  # onset, apex, offset, and one more


class Choices(TypedDict, total=False):
    """The arguments that all writers share; ``Settings`` says what they mean."""

    subjects: int
    clips_per_subject: int
    seed: int
    frame_size: Sequence[int]
    duration_s: Sequence[float]
    motion_px: Sequence[float]
    drift_px: float
    distractor_px: float
    head_variation: float
    blinks: float
    extra_frames: int
    noise_grey: float
    jpeg_quality: int


@dataclass(frozen=True)
class Settings:
    """How many clips, how long, how strong, how disturbed.

    Attributes:
        subjects: number of subjects, 2 to 99.
        clips_per_subject: number of clips of each, 1 to 99.
        seed: of all random choices.
        frame_size: (width, height), px.
        duration_s: shortest and longest time from onset to offset, s.
        motion_px: smallest and largest peak displacement of a clip's action units, px.
        drift_px: largest drift of the head from its place at onset, px.
        distractor_px: largest displacement of a movement that has nothing to do with the emotion, px.
        head_variation: how much heads differ in size, roll and place in the frame; 0 is not at all.
        blinks: share of the clips with a blink, 0 to 1.
        extra_frames: frames on disk before onset and as many after offset.
        noise_grey: standard deviation of the camera's noise, grey levels of 255.
        jpeg_quality: 1 to 100.

    Raises:
        MerError: an argument is out of its bounds.
    """

    subjects: int = 8
    clips_per_subject: int = 8
    seed: int = 0
    frame_size: tuple[int, int] = (640, 480)
    duration_s: tuple[float, float] = (0.04, 0.2)
    motion_px: tuple[float, float] = (0.2, 0.6)
    drift_px: float = 0.15
    distractor_px: float = 0.2
    head_variation: float = 1.0
    blinks: float = 0.0
    extra_frames: int = 0
    noise_grey: float = 2.5
    jpeg_quality: int = 95

    def __post_init__(self) -> None:
        for name in ("frame_size", "duration_s", "motion_px"):
            object.__setattr__(self, name, _pair(name, getattr(self, name)))
        _require_whole("subjects", self.subjects, 2, 99)
        _require_whole("clips_per_subject", self.clips_per_subject, 1, 99)
        _require_whole("seed", self.seed, 0, 2**32 - 1)
        _require_whole("extra_frames", self.extra_frames, 0, 1000)
        _require_whole("jpeg_quality", self.jpeg_quality, 1, 100)
        for number in self.frame_size:
            _require_whole("frame_size", number, 64, 4096)
        require_number("noise_grey", self.noise_grey, 0, 50)
        require_number("drift_px", self.drift_px, 0, LARGEST_MOTION_PX)
        require_number("distractor_px", self.distractor_px, 0, LARGEST_MOTION_PX)
        require_number("head_variation", self.head_variation, 0, 1)
        require_number("blinks", self.blinks, 0, 1)
        _require_range("motion_px", self.motion_px, LARGEST_MOTION_PX)
        _require_range("duration_s", self.duration_s, 5)

    def require_frames(self, fps: float) -> None:
        """Check that the shortest clip has frames enough.

        Raises:
            MerError: it has not.
        """
        least_s = (FEWEST_FRAMES - 1) / fps
        if round(self.duration_s[0] * fps) < FEWEST_FRAMES - 1:
            expected = f"duration_s of {least_s:g} s or more, {FEWEST_FRAMES} frames at {fps:g} fps"
            raise MerError(expected, f"{self.duration_s[0]:g}", "choose longer clips")

    def lines(self) -> str:
        """The settings, ``name=value``, one a line."""
        return "".join(f"{field.name}={_text(getattr(self, field.name))}\n" for field in fields(self))


def _text(value: object) -> str:
    return ",".join(f"{number:g}" for number in value) if isinstance(value, tuple) else str(value)


def _pair(name: str, value: Sequence[float]) -> tuple[float, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise MerError(f"{name} to be two numbers", repr(value), f"set {name} to [A, B]")
    return tuple(value)


def _require_whole(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise MerError(f"{name} to be a whole number in [{low}, {high}]", repr(value), f"choose {name} in it")


def _require_range(name: str, value: tuple[float, float], highest: float) -> None:
    for number in value:
        require_number(name, number, 0, highest)
    if not 0 < value[0] <= value[1]:
        got = f"{value[0]:g}, {value[1]:g}"
        raise MerError(f"{name} to be low, high with 0 < low <= high", got, "give the smaller first")
