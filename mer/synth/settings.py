"""What the user may choose, checked, and the README that records it."""

from dataclasses import dataclass

from mer.errors import MerError, require_number
from mer.synth.motion import Scale

LARGEST_MOTION_PX = 5.0  # far beyond micro-expressions; further, the inverse may not converge
FIRST_LINE = "Synthetic micro-expression clips, written by mer synth"


@dataclass(frozen=True)
class Settings:
    """How many clips, how long, how strong.

    Raises:
        MerError: an argument is out of its bounds.
    """

    subjects: int
    clips_per_subject: int
    frames: int
    seed: int
    scale: Scale

    def __post_init__(self) -> None:
        _require_whole("subjects", self.subjects, 2, 99)
        _require_whole("clips_per_subject", self.clips_per_subject, 1, 99)
        _require_whole("frames", self.frames, 4, 1000)
        _require_whole("seed", self.seed, 0, 2**32 - 1)
        require_number("noise_grey", self.scale.noise_grey, 0, 50)
        require_number("drift_px", self.scale.drift_px, 0, LARGEST_MOTION_PX)
        require_number("distractor_px", self.scale.distractor_px, 0, LARGEST_MOTION_PX)
        _require_range("motion_px", self.scale.motion_px)

    def readme(self) -> str:
        """Text of the data set's README.txt; the same settings give the same text."""
        low_px, high_px = self.scale.motion_px
        return f"""{FIRST_LINE}

These are not recordings of people. Every frame is one portrait (the astronaut Eileen Collins, NASA, public
domain), reshaped into {self.subjects} made-up subjects and moved by computed displacements of action units.
They are for tests, demonstrations and measurements of error: not for training systems to be used on people,
and a score on them is not a score on CASME II.

The layout is CASME II's: CASME2-RAW/sub01/EP01_01f/img46.jpg (640x480, 200 fps, the number is the frame's)
and CASME2-coding-20140508.xlsx. Added:
landmarks.csv: the true 68 iBUG landmarks on each onset frame, px, x right, y down, first px centred at 0.
true_flow/sub01/EP01_01f.npy: the true flow from onset to apex on the onset frame's px, float16,
(2, 480, 640), px, channel 0 right, channel 1 down.

subjects={self.subjects}
clips_per_subject={self.clips_per_subject}
frames={self.frames}
seed={self.seed}
motion_px={low_px:g},{high_px:g}
drift_px={self.scale.drift_px:g}
distractor_px={self.scale.distractor_px:g}
noise_grey={self.scale.noise_grey:g}
"""


def _require_whole(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise MerError(f"{name} to be a whole number in [{low}, {high}]", repr(value), f"choose {name} in it")


def _require_range(name: str, value: tuple[float, ...]) -> None:
    if len(value) != 2:
        raise MerError(f"{name} to be two numbers, low and high", f"{len(value)} of them", "give both")
    for number in value:
        require_number(name, number, 0, LARGEST_MOTION_PX)
    if not 0 < value[0] <= value[1]:
        got = f"{value[0]:g}, {value[1]:g}"
        raise MerError(f"{name} to be low, high with 0 < low <= high", got, "give the smaller first")
