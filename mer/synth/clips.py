"""One clip: its row of truth, its movement, its frames. What the folders are called is the layouts' business."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from mer.synth.emotions import Emotion, Units, draw_units
from mer.synth.identity import Subject
from mer.synth.motion import Motion, make_course, make_motion
from mer.synth.portrait import FloatArray
from mer.synth.pose import Pose, clip_pose, transform
from mer.synth.render import camera, encode_jpeg, warp_neutral
from mer.synth.settings import Settings

ONE_SIDED_SHARE = 0.2  # of the clips show their action units on one side of the face alone


@dataclass(frozen=True)
class Clip:
    """A clip before it is written.

    Attributes:
        number: of the clip among its subject's, from 1.
        emotion: as the dataset spells it.
        units: its action units.
        side: ``L`` or ``R`` (the subject's) where they show on one side alone, else empty.
        peak_px: longest displacement of its action units.
        frame_number: the onset's number in the dataset.
        onset_to_apex, onset_to_offset: frames.
        landmarks: ``(68, 2)``, px, on the onset frame.
        motion: all displacement.
        affine: ``(2, 3)``, canvas to frame.
        noise: seed of the camera's noise.
    """

    number: int
    emotion: str
    units: Units
    side: str
    peak_px: float
    frame_number: int
    onset_to_apex: int
    onset_to_offset: int
    landmarks: FloatArray
    motion: Motion
    affine: FloatArray
    noise: int

    @property
    def action_units(self) -> str:
        """The action units as the coding sheets write them, ``6+12`` or ``R6+R12``."""
        return "+".join(f"{self.side}{unit}" for unit in self.units)


def make_clip(
    subject: Subject,
    usual: Pose,
    emotion: tuple[str, Emotion],
    number: int,
    settings: Settings,
    fps: float,
    onsets: tuple[int, int],
    rng: np.random.Generator,
) -> Clip:
    """A clip of ``subject`` that shows ``emotion`` (name and action units), its onset's number within ``onsets``."""
    units = draw_units(emotion[1].combinations, rng)
    peak_px = float(rng.uniform(*settings.motion_px))
    course = make_course(settings, fps, rng)
    affine = clip_pose(usual, rng, settings.head_variation).affine(settings.frame_size[::-1])
    landmarks = transform(subject.landmarks, affine)
    side, gains = _gains(subject, units, rng)
    motion = make_motion(landmarks, gains, peak_px, course, fps, settings, rng)
    first = int(rng.integers(*onsets)) + settings.extra_frames  # so that no frame has a number below 1
    lengths = (course.apex, course.frames - 1)
    noise = int(rng.integers(2**32))
    return Clip(number, emotion[0], units, side, peak_px, first, *lengths, landmarks, motion, affine, noise)


def _gains(subject: Subject, units: Units, rng: np.random.Generator) -> tuple[str, dict[int, tuple[float, float]]]:
    """The side that alone moves, if any, and each unit's factors on the subject's right and left side."""
    lean = rng.uniform(-0.35, 0.35)
    side = ""
    if rng.random() < ONE_SIDED_SHARE:
        side, lean = ("L", 0.9) if lean > 0 else ("R", -0.9)
    strengths = {unit: subject.unit_gains[unit] * float(np.exp(rng.normal(0, 0.15))) for unit in units}
    return side, {unit: (gain * (1 - lean), gain * (1 + lean)) for unit, gain in strengths.items()}


def render_frames(clip: Clip, enlarged: FloatArray, settings: Settings) -> Iterator[tuple[int, bytes]]:
    """Number and JPEG of every frame on disk; ``enlarged`` is the subject's canvas, grey or BGR."""
    rng = np.random.default_rng(clip.noise)
    for index in range(len(clip.motion.weights)):
        image = warp_neutral(enlarged, clip.motion.flow(index), clip.affine)
        number = clip.frame_number + index - clip.motion.onset
        yield number, encode_jpeg(camera(image, settings.noise_grey, rng), settings.jpeg_quality)


def to_grey(image: FloatArray) -> FloatArray:
    """A BGR image as grey levels, ``(height, width)``."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.float32)
