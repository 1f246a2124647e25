"""What moves in one clip, and when."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mer.synth.action_units import expression_field, gaussian_bump
from mer.synth.eyelids import blink_field, blink_profile
from mer.synth.grid import pixel_grid
from mer.synth.portrait import FloatArray, eye_distance_px
from mer.synth.settings import Settings
from mer.synth.timing import bump_profile, drift_profile, expression_profile

FEWEST_BLINK_FRAMES = 5
BLINK_S = (0.08, 0.16)  # from lids open to lids open


@dataclass(frozen=True)
class Course:
    """The frames of a clip: ``before`` the onset, onset to offset, ``after`` the offset.

    Attributes:
        before: frames on disk before onset.
        frames: frames from onset to offset, both included.
        after: frames on disk after offset.
        apex: the apex, counted from onset.
    """

    before: int
    frames: int
    after: int
    apex: int

    @property
    def total(self) -> int:
        """All frames on disk."""
        return self.before + self.frames + self.after


@dataclass(frozen=True)
class Motion:
    """All displacement in a clip: ``weights[t]`` of each of ``fields``.

    Attributes:
        fields: expression, distractor, five of the head, and the lids if there is a blink; ``(n, 2, height, width)``.
        weights: ``(frames on disk, n)``; 0 at onset.
        onset: row of ``weights`` that is the onset.
        apex: row of ``weights`` that is the apex.
    """

    fields: FloatArray
    weights: FloatArray
    onset: int
    apex: int

    def flow(self, frame: int) -> FloatArray:
        """True flow from onset to the frame on disk ``frame``, on the onset's px, ``(2, height, width)``, px."""
        moving = self.weights[frame] != 0
        return np.asarray(np.tensordot(self.weights[frame][moving], self.fields[moving], 1), np.float32)


def make_course(settings: Settings, fps: float, rng: np.random.Generator) -> Course:
    """A duration by chance, and an apex about the middle of it."""
    frames = round(rng.uniform(*settings.duration_s) * fps) + 1
    apex = int(np.clip(round((frames - 1) * rng.uniform(0.38, 0.62)), 1, frames - 2))
    return Course(settings.extra_frames, frames, settings.extra_frames, apex)


def head_fields(landmarks: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """The head moved 1 px right, 1 px down, rolled, turned and nodded by about 1 px; ``(5, 2, height, width)``.

    The head moves as one; beside it the movement fades to 0, because the background stands still. Turning
    and nodding move what is nearer to the camera, the middle of the face, more than its edge.
    """
    unit_px = eye_distance_px(landmarks)
    x, y = landmarks[28]
    columns, rows = pixel_grid(shape)
    radius = np.hypot((columns - x) / (1.9 * unit_px), (rows - y) / (2.3 * unit_px))
    fade = np.clip(1.6 - radius, 0, 0.6) / 0.6
    head = fade**2 * (3 - 2 * fade)
    still = np.zeros_like(head)
    near = np.clip(1 - ((columns - x) / (1.1 * unit_px)) ** 2 - ((rows - y) / (1.8 * unit_px)) ** 2, 0, 1)
    roll = np.stack([-(rows - y), columns - x]) * head / (1.3 * unit_px)
    moved = [(head, still), (still, head), tuple(roll), (near, still), (still, near)]
    return np.stack([np.stack(pair) for pair in moved]).astype(np.float32)


def distractor_field(
    landmarks: FloatArray, peak_px: float, rng: np.random.Generator, shape: tuple[int, int]
) -> FloatArray:
    """A small movement at a random place of the face in a random direction, ``(2, height, width)``, px."""
    mix = rng.dirichlet(np.ones(3))
    centre = np.asarray(mix @ landmarks[rng.choice(68, 3, replace=False)], np.float32)
    sigma_px = eye_distance_px(landmarks) * rng.uniform(0.12, 0.25, 2).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    towards = peak_px * np.array([np.cos(angle), np.sin(angle)], np.float32)
    return np.asarray(towards[:, None, None] * gaussian_bump(centre, sigma_px, shape), np.float32)


def make_motion(
    landmarks: FloatArray,
    gains: Mapping[int, tuple[float, float]],
    peak_px: float,
    course: Course,
    fps: float,
    settings: Settings,
    rng: np.random.Generator,
) -> Motion:
    """The movement of one clip.

    Args:
        landmarks: ``(68, 2)``, px, on the onset frame.
        gains: for each action unit its factors on the subject's right and left side.
        peak_px: longest displacement of the action units.
        course: the clip's frames.
        fps: frames per second.
        settings: how much disturbs.
        rng: source of everything that ``gains`` leaves open.
    """
    shape = (settings.frame_size[1], settings.frame_size[0])
    around = {"before": course.before, "after": course.after}
    expression = expression_field(gains, landmarks, peak_px, shape)
    distractor = distractor_field(landmarks, settings.distractor_px * rng.uniform(0.3, 1.0), rng, shape)
    weights = [
        expression_profile(course.frames, course.apex, rng, **around)[:, None],
        bump_profile(course.frames, rng, **around)[:, None],
        settings.drift_px * rng.uniform(0.3, 1.0) * drift_profile(course.frames, 2, rng, **around),
        settings.drift_px * rng.uniform(0.0, 0.5) * drift_profile(course.frames, 1, rng, **around),
        settings.drift_px * rng.uniform(0.0, 0.5) * drift_profile(course.frames, 2, rng, **around),
    ]
    fields = [expression[None], distractor[None], head_fields(landmarks, shape)]
    if rng.random() < settings.blinks:
        fields.append(blink_field(landmarks, shape)[None])
        weights.append(_blink(course, fps, rng)[:, None])
    together = np.concatenate(weights, 1).astype(np.float32)
    return Motion(np.concatenate(fields), together, course.before, course.before + course.apex)


def _blink(course: Course, fps: float, rng: np.random.Generator) -> FloatArray:
    """A blink after onset; shorter than a real one where the clip is."""
    room = course.total - course.before - 1
    length = min(max(FEWEST_BLINK_FRAMES, round(rng.uniform(*BLINK_S) * fps)), room)
    first = course.before + 1 + int(rng.integers(0, room - length + 1))
    return blink_profile(course.total, first, length)
