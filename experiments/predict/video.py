"""A minute of a synthetic face with planted expressions and blinks, as a stream that is rendered, not stored."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.align import FoundLandmarks
from mer.apex.interval import Interval
from mer.predict.frames import TimedFrame
from mer.synth.clips import make_clip
from mer.synth.eyelids import blink_field, blink_profile
from mer.synth.identity import Subject
from mer.synth.pose import Pose, subject_pose, transform
from mer.synth.render import camera, enlarge, warp_neutral
from mer.synth.settings import Settings
from mer.synth.smic import EMOTIONS

Frame = NDArray[np.uint8]
FPS = 30.0
SECONDS = 60
_EVERY_S = 6.0  # an expression
_BLINK_AFTER_S = 3.0  # the expression
_BLINK_S = 0.14
_RETURN_S = 0.2  # in which what an expression leaves is gone
_DRIFT_PX, _DRIFT_PERIOD_S = 1.5, 11.0  # of the whole head in the frame
_NOISE_FIELDS = 6
_SIZE = (400, 400)
_QUIET = {"drift_px": 0.0, "distractor_px": 0.0, "head_variation": 0.0, "frame_size": _SIZE}


@dataclass(frozen=True)
class Planted:
    """A true expression: its frames and its class."""

    interval: Interval
    emotion: str


@dataclass
class SyntheticVideo:
    """Frames of one subject: neutral but for what is planted; a slow drift of the head; the camera's noise.

    Attributes:
        planted: the expressions.
        landmarks_px: ``(68, 2)`` at rest, px of the frame.
    """

    name: str
    subject: Subject
    motion_px: tuple[float, float]
    seed: int
    source: str = "rendered"
    fps: float = FPS
    expected: int = int(SECONDS * FPS)
    planted: list[Planted] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        settings = Settings(motion_px=self.motion_px, duration_s=(0.12, 0.4), **_QUIET)
        pose = subject_pose(rng, 0.0)
        affine = pose.affine(settings.frame_size[::-1])
        self._enlarged = enlarge(self.subject.neutral)
        self.landmarks_px = transform(self.subject.landmarks, affine)
        self._at_rest = self._rendered(np.zeros((2, *settings.frame_size[::-1]), np.float32), affine)
        self._moving: dict[int, Frame] = {}
        for number, begin_s in enumerate(np.arange(_EVERY_S / 2, SECONDS - _EVERY_S / 2, _EVERY_S)):
            self._plant(list(EMOTIONS)[number % len(EMOTIONS)], float(begin_s), pose, settings, rng)
            self._blink(float(begin_s) + _BLINK_AFTER_S, affine, rng)
        fields = rng.normal(0, settings.noise_grey, (_NOISE_FIELDS, 2 * _SIZE[1], 2 * _SIZE[0], 1))
        self._noise = np.repeat(np.rint(fields).astype(np.int16), 3, axis=-1)

    def __iter__(self) -> Iterator[TimedFrame]:
        rng = np.random.default_rng(self.seed + 1)
        for index in range(self.expected):
            seconds = index / self.fps
            phase = 2 * np.pi * seconds / _DRIFT_PERIOD_S
            drift = np.array([[1, 0, _DRIFT_PX * np.sin(phase)], [0, 1, _DRIFT_PX * np.cos(phase)]])
            clean = self._moving.get(index, self._at_rest)
            size = clean.shape[1::-1]
            moved = cv2.warpAffine(clean, drift, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            top, left = rng.integers(0, size, 2)
            noise = self._noise[int(rng.integers(_NOISE_FIELDS)), top : top + size[1], left : left + size[0]]
            yield TimedFrame(index, seconds, np.asarray(cv2.add(moved, noise, dtype=cv2.CV_8U), np.uint8))

    def _plant(self, emotion: str, begin_s: float, pose: Pose, settings: Settings, rng: np.random.Generator) -> None:
        clip = make_clip(self.subject, pose, (emotion, EMOTIONS[emotion]), 1, settings, self.fps, (1, 2), rng)
        first, last = round(begin_s * self.fps), clip.onset_to_offset
        for index in range(1, last + 1):
            self._moving[first + index] = self._rendered(clip.motion.flow(index), clip.affine)
        n_return = round(_RETURN_S * self.fps)
        for step in range(1, n_return):
            left = clip.motion.flow(last) * np.float32(1 - step / n_return)
            self._moving[first + last + step] = self._rendered(left, clip.affine)
        self.planted.append(Planted(Interval(first, first + clip.onset_to_apex, first + last), emotion))

    def _blink(self, begin_s: float, affine: NDArray[np.float32], rng: np.random.Generator) -> None:
        lids = blink_field(self.landmarks_px, self._at_rest.shape[:2])
        n_frames = round(_BLINK_S * self.fps)
        first = round(begin_s * self.fps) + int(rng.integers(0, 10))
        for index, closed in enumerate(blink_profile(n_frames, 0, n_frames)):
            self._moving[first + index] = self._rendered(np.asarray(closed * lids, np.float32), affine)

    def _rendered(self, flow: NDArray[np.float32], affine: NDArray[np.float32]) -> Frame:
        bgr = camera(warp_neutral(self._enlarged, flow, affine), 0.0, np.random.default_rng(0))
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


@dataclass(frozen=True)
class TrueLandmarks:
    """The landmarks that the face was drawn by; the drift's 1.5 px are not in them."""

    points_px: NDArray[np.float32]

    def find(self, onsets, clips):
        """As ``LandmarkSource``."""
        return [FoundLandmarks(self.points_px) for _ in onsets]

    def state(self, clip):
        """As ``LandmarkSource``."""
        return "true"
