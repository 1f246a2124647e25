"""What moves in one clip, and when."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mer.synth.action_units import expression_field, gaussian_bump
from mer.synth.identity import FRAME_SHAPE, Subject
from mer.synth.portrait import FloatArray, eye_distance_px


@dataclass(frozen=True)
class Scale:
    """Sizes of what moves and of what disturbs.

    Attributes:
        motion_px: smallest and largest peak of a clip's action units, px.
        drift_px: largest drift of the head from its place at onset, px.
        distractor_px: largest displacement of the movement that has nothing to do with the class, px.
        noise_grey: standard deviation of the camera's noise on the grey image, grey levels of 255.
    """

    motion_px: tuple[float, float]
    drift_px: float
    distractor_px: float
    noise_grey: float


@dataclass(frozen=True)
class Motion:
    """All displacement in a clip: ``weights[t]`` of each of ``fields``.

    Attributes:
        fields: action units, distractor, drift right, drift down, roll; ``(5, 2, height, width)``, px.
        weights: ``(frames, 5)``; the first row, the onset, is 0.
        apex: index of the frame where the action units peak.
    """

    fields: FloatArray
    weights: FloatArray
    apex: int

    def flow(self, frame: int) -> FloatArray:
        """True flow from onset to ``frame`` on the onset frame's grid, ``(2, height, width)``, px."""
        return np.asarray(np.tensordot(self.weights[frame], self.fields, 1), np.float32)


def expression_profile(frames: int, apex: int, rng: np.random.Generator) -> FloatArray:
    """Intensity over a clip, ``(frames,)``: 0 at onset, rising smoothly to 1 at ``apex``, then fading."""
    index = np.arange(frames)
    phase = np.where(index <= apex, index / apex, (frames - 1 - index) / (frames - 1 - apex))
    smooth = (phase**2 * (3 - 2 * phase)) ** rng.uniform(0.8, 1.3)
    left_at_offset = rng.uniform(0.0, 0.3)
    fading = left_at_offset + (1 - left_at_offset) * smooth
    return np.asarray(np.where(index <= apex, smooth, fading), np.float32)


def bump_profile(frames: int, rng: np.random.Generator) -> FloatArray:
    """A movement that comes and goes at a time of its own, ``(frames,)``, 0 at onset, at most 1."""
    time = np.linspace(0, 1, frames)
    bump = np.exp(-0.5 * ((time - rng.uniform(0.2, 0.8)) / rng.uniform(0.12, 0.25)) ** 2)
    return np.asarray((bump - bump[0]) / np.abs(bump - bump[0]).max(), np.float32)


def drift_profile(frames: int, axes: int, rng: np.random.Generator) -> FloatArray:
    """Slow wander, ``(frames, axes)``, 0 at onset, at most 1 away from there."""
    time = np.linspace(0, 1, frames)[:, None]
    wander = rng.normal(0, 1, axes) * time + rng.normal(0, 0.4, axes) * np.sin(np.pi * time)
    return np.asarray(wander / np.linalg.norm(wander, axis=1).max(), np.float32)


def head_fields(landmarks: FloatArray, shape: tuple[int, int] = FRAME_SHAPE) -> FloatArray:
    """The head moved 1 px right, 1 px down, and rolled until a cheek moves 1 px; ``(3, 2, height, width)``.

    The head moves as one; beside it the movement fades to 0, because the background stands still.
    """
    unit_px = eye_distance_px(landmarks)
    x, y = landmarks[28]
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    radius = np.hypot((columns - x) / (1.9 * unit_px), (rows - y) / (2.3 * unit_px))
    fade = np.clip(1.6 - radius, 0, 0.6) / 0.6
    head = fade**2 * (3 - 2 * fade)
    still = np.zeros_like(head)
    roll = np.stack([-(rows - y), columns - x]) * head / (1.3 * unit_px)
    return np.stack([np.stack([head, still]), np.stack([still, head]), roll]).astype(np.float32)


def distractor_field(
    landmarks: FloatArray, peak_px: float, rng: np.random.Generator, shape: tuple[int, int] = FRAME_SHAPE
) -> FloatArray:
    """A small movement at a random place of the face in a random direction, ``(2, height, width)``, px."""
    mix = rng.dirichlet(np.ones(3))
    centre = np.asarray(mix @ landmarks[rng.choice(68, 3, replace=False)], np.float32)
    sigma_px = eye_distance_px(landmarks) * rng.uniform(0.12, 0.25, 2).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    towards = peak_px * np.array([np.cos(angle), np.sin(angle)], np.float32)
    return np.asarray(towards[:, None, None] * gaussian_bump(centre, sigma_px, shape), np.float32)


def side_gains(gain: float, lean: float, rng: np.random.Generator) -> tuple[float, float]:
    """Gains on the right and left side of one action unit; ``lean`` in (-1, 1) favours the left."""
    strength = gain * float(np.exp(rng.normal(0, 0.15)))
    return strength * (1 - lean), strength * (1 + lean)


def make_motion(
    subject: Subject,
    units: tuple[int, ...],
    peak_px: float,
    frames: int,
    scale: Scale,
    rng: np.random.Generator,
) -> Motion:
    """The movement of one clip of ``frames`` frames that shows ``units``, at most ``peak_px`` strong."""
    apex = int(np.clip(round((frames - 1) * rng.uniform(0.38, 0.62)), 1, frames - 2))
    lean = rng.uniform(-0.35, 0.35)
    gains: Mapping[int, tuple[float, float]] = {unit: side_gains(subject.unit_gains[unit], lean, rng) for unit in units}
    expression = expression_field(gains, subject.landmarks, peak_px, FRAME_SHAPE)
    distractor = distractor_field(subject.landmarks, scale.distractor_px * rng.uniform(0.3, 1.0), rng)
    weights = np.column_stack(
        [
            expression_profile(frames, apex, rng),
            bump_profile(frames, rng),
            scale.drift_px * rng.uniform(0.3, 1.0) * drift_profile(frames, 2, rng),
            scale.drift_px * rng.uniform(0.0, 0.5) * drift_profile(frames, 1, rng),
        ]
    )
    fields = np.concatenate([expression[None], distractor[None], head_fields(subject.landmarks)])
    return Motion(fields, weights.astype(np.float32), apex)
