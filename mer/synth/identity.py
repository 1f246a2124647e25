"""A synthetic subject: the portrait reshaped, relit and given skin of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from mer.synth.action_units import ACTION_UNITS
from mer.synth.portrait import FloatArray, Portrait, load_portrait

FRAME_SHAPE = (480, 640)  # height, width of a CASME II frame
ENLARGEMENT = 2.5  # portrait px to frame px: eyes about 108 px apart, the head as high as the frame
FACE_CENTRE = (320.0, 240.0)  # where in the frame the head lies, give or take the subject's own shift
PORTRAIT_CENTRE = (129.5, 97.0)  # middle of the head, hair included, in the portrait
WARP_PX = 4.0  # typical displacement, per axis, of the warp that gives a subject its own features


@dataclass(frozen=True)
class Subject:
    """What stays the same through all clips of a subject.

    Attributes:
        neutral: the face at rest, BGR, 0 to 255, ``(480, 640, 3)``.
        landmarks: its 68 iBUG landmarks, ``(68, 2)``, px of the frame.
        unit_gains: how strongly this subject shows each action unit.
    """

    neutral: FloatArray
    landmarks: FloatArray
    unit_gains: Mapping[int, float]


@dataclass(frozen=True)
class Placement:
    """Smooth map between frame and portrait: portrait = (frame - warp(frame)) brought back by ``affine``.

    Attributes:
        affine: ``(2, 3)``, portrait px to frame px.
        waves: ``(modes, 5)``, the warp as cosines: radians per px (x, y), phase, amplitude in px (x, y).
    """

    affine: FloatArray
    waves: FloatArray

    def warp(self, points: FloatArray) -> FloatArray:
        """Displacement ``(..., 2)`` in px at frame positions ``(..., 2)``."""
        phases = points @ self.waves[:, :2].T + self.waves[:, 2]
        return np.asarray(np.cos(phases) @ self.waves[:, 3:], np.float32)

    def to_portrait(self, points: FloatArray) -> FloatArray:
        """Portrait positions ``(..., 2)`` of frame positions ``(..., 2)``."""
        inverse = np.linalg.inv(self.affine[:, :2]).astype(np.float32)
        return np.asarray((points - self.warp(points) - self.affine[:, 2]) @ inverse.T, np.float32)

    def to_frame(self, points: FloatArray) -> FloatArray:
        """Frame positions ``(..., 2)`` of portrait positions, by fixed-point iteration."""
        straight = np.asarray(points @ self.affine[:, :2].T + self.affine[:, 2], np.float32)
        frame = straight
        for _ in range(20):  # the warp's slope is about 0.1, so 20 steps leave nothing but rounding
            frame = straight + self.warp(frame)
        return frame


def random_placement(rng: np.random.Generator) -> Placement:
    """Position, size, proportions, roll and features of one subject's head."""
    scale = ENLARGEMENT * rng.uniform(0.95, 1.06) * np.array([1.0, rng.uniform(0.96, 1.04)])
    roll = np.deg2rad(rng.uniform(-3.0, 3.0))
    rotation = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    linear = rotation @ np.diag(scale)
    shift = np.array(FACE_CENTRE) + rng.uniform((-14, -6), (14, 10)) - linear @ np.array(PORTRAIT_CENTRE)
    modes = 6
    direction = rng.uniform(0, 2 * np.pi, modes)
    # Long waves, so that features shift and no line visibly bends.
    radians_per_px = 2 * np.pi / rng.uniform(220, 500, modes)
    waves = np.column_stack(
        [
            radians_per_px * np.cos(direction),
            radians_per_px * np.sin(direction),
            rng.uniform(0, 2 * np.pi, modes),
            rng.normal(0, WARP_PX * np.sqrt(2 / modes), (modes, 2)),
        ]
    )
    return Placement(np.column_stack([linear, shift]).astype(np.float32), waves.astype(np.float32))


def place(portrait: Portrait, placement: Placement) -> tuple[FloatArray, FloatArray]:
    """The portrait in the frame, ``(480, 640, 3)``, and its landmarks there, ``(68, 2)``.

    Where the frame reaches beyond the portrait, the portrait is reflected: its backdrop is plain there.
    """
    rows, columns = np.mgrid[: FRAME_SHAPE[0], : FRAME_SHAPE[1]].astype(np.float32)
    source = placement.to_portrait(np.stack([columns, rows], -1))
    image = cv2.remap(
        portrait.image, source[..., 0], source[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(image, np.float32), placement.to_frame(portrait.landmarks)


def skin_mask(landmarks: FloatArray, shape: tuple[int, int] = FRAME_SHAPE) -> FloatArray:
    """1 on the face, forehead included, 0 off it, soft between; ``(height, width)``."""
    brows = landmarks[17:27]
    forehead = brows + 0.6 * (brows.mean(0) - landmarks[33])
    outline = cv2.convexHull(np.concatenate([landmarks, forehead]).astype(np.float32))
    mask = np.zeros(shape, np.float32)
    cv2.fillConvexPoly(mask, np.round(outline).astype(np.int32), 1.0)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 8.0), np.float32)


def skin_texture(rng: np.random.Generator, shape: tuple[int, int] = FRAME_SHAPE) -> FloatArray:
    """Noise of standard deviation 1 between about 5 and 16 px per cycle, ``(height, width)``.

    Enlarging leaves skin too smooth for any optical flow; real skin at this scale shows pores and freckles.
    """
    noise = rng.standard_normal(shape, np.float32)
    band = cv2.GaussianBlur(noise, (0, 0), 0.9) - cv2.GaussianBlur(noise, (0, 0), 2.5)
    return np.asarray(band / band.std(), np.float32)


def relight(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The image, 0 to 255, under another light: gamma, contrast, colour and a slope of brightness across."""
    gamma, contrast = rng.uniform(0.85, 1.2), rng.uniform(0.85, 1.0)
    colour = rng.uniform(0.93, 1.07, 3)
    slope = 1 + rng.uniform(-0.1, 0.1) * np.linspace(-1, 1, image.shape[1])
    tone = (np.clip(image, 0, 255) / 255) ** gamma * contrast
    return np.asarray(np.clip(tone * slope[:, None] * colour, 0, 1) * 255, np.float32)


def make_subject(seed: np.random.SeedSequence) -> Subject:
    """The subject that belongs to ``seed``."""
    rng = np.random.default_rng(seed)
    portrait = load_portrait()
    if rng.random() < 0.5:
        portrait = portrait.mirrored()
    image, landmarks = place(portrait, random_placement(rng))
    strength = rng.uniform(0.025, 0.04) * skin_mask(landmarks) * skin_texture(rng)
    neutral = relight(image, rng) * (1 + strength[..., None])
    gains = {unit: float(np.exp(rng.normal(0, 0.25))) for unit in sorted(ACTION_UNITS)}
    return Subject(np.clip(neutral, 0, 255), landmarks, gains)
