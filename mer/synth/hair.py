"""Hair and brows: how far they reach, what colour they have."""

from dataclasses import dataclass

import cv2
import numpy as np

from mer.synth.canvas import CANVAS_SHAPE, Layers
from mer.synth.grid import pixel_grid
from mer.synth.portrait import FloatArray, eye_distance_px
from mer.synth.skin import to_linear

COLOURS_RGB = {
    "black": (38, 34, 34),
    "dark brown": (62, 46, 38),
    "brown": (98, 70, 50),
    "auburn": (122, 66, 44),
    "blond": (158, 130, 92),
    "grey": (142, 140, 138),
    "white": (178, 176, 172),
}
CROPPED_SHARE = 0.25  # of the short haircuts show the scalp
LONG_SHARE = 0.6  # of the others hang behind the neck
# How often each colour comes with light and with dark skin.
_WITH_LIGHT, _WITH_DARK = (0.10, 0.20, 0.22, 0.12, 0.20, 0.10, 0.06), (0.66, 0.20, 0.0, 0.0, 0.0, 0.09, 0.05)


@dataclass(frozen=True)
class Hair:
    """A haircut.

    Attributes:
        light: its linear light, BGR ``(height, width, 3)``.
        share: where it covers the face, ``(height, width)``.
        behind: where it hangs behind the neck.
    """

    light: FloatArray
    share: FloatArray
    behind: FloatArray


def random_hair(layers: Layers, darkness: float, rng: np.random.Generator) -> tuple[Hair, FloatArray]:
    """A haircut and its colour in linear light, BGR, on a subject whose skin is ``darkness`` (0 to 1) dark."""
    weights = (1 - darkness) * np.array(_WITH_LIGHT) + darkness * np.array(_WITH_DARK)
    name = list(COLOURS_RGB)[int(rng.choice(len(COLOURS_RGB), p=weights / weights.sum()))]
    colour = to_linear(np.array(COLOURS_RGB[name][::-1], np.float32) * rng.uniform(0.85, 1.15))
    short = bool(rng.random() < 0.5)
    volume = rng.uniform(1.02, 1.12) if short else rng.uniform(1.12, 1.5)
    share = _cut(layers, volume) * np.maximum(_above_hairline(layers, rng), 1 - layers.skin_share)
    if short and rng.random() < CROPPED_SHARE:
        thin = np.clip(rng.uniform(0.15, 0.8) + 0.15 * rng.standard_normal(CANVAS_SHAPE, np.float32), 0, 1)
        share = share * thin * layers.skin_share
    behind = np.zeros(CANVAS_SHAPE, np.float32)
    if not short and rng.random() < LONG_SHARE:
        behind = _long(layers.landmarks, volume, rng)
    light = _coloured(layers, colour, rng)
    return Hair(light, share, behind), colour


def _coloured(layers: Layers, colour: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The portrait's strands in another colour."""
    strands = to_linear(layers.hair).mean(-1)
    mean = float((strands * layers.hair_share).sum() / layers.hair_share.sum())
    contrast = (np.clip(strands, 1e-4, 1) / mean) ** rng.uniform(0.45, 0.8)
    noise = cv2.GaussianBlur(rng.standard_normal(CANVAS_SHAPE, np.float32), (0, 0), sigmaX=0.8, sigmaY=2.5)
    contrast = contrast * np.clip(1 + 0.10 * noise / noise.std(), 0.3, 2)
    return np.asarray(contrast[..., None] * colour + 0.002, np.float32)


def _cut(layers: Layers, volume: float) -> FloatArray:
    """The portrait's hair, no further from the skull than ``volume`` times its size."""
    unit_px = eye_distance_px(layers.landmarks)
    x, y = (layers.landmarks[0] + layers.landmarks[16]) / 2
    width = 0.5 * float(np.linalg.norm(layers.landmarks[16] - layers.landmarks[0])) + 0.06 * unit_px
    columns, rows = pixel_grid(CANVAS_SHAPE)
    top = 0.8 * float(np.linalg.norm(layers.landmarks[8] - layers.landmarks[27])) + 0.05 * unit_px
    height = np.where(rows < y, top, 1.2 * unit_px)
    radius = np.hypot((columns - x) / (width * volume), (rows - y) / (height * volume))
    edge = np.clip((1 - radius) * 0.4 * unit_px, 0, 1).astype(np.float32)
    return np.asarray(layers.hair_share * cv2.GaussianBlur(edge, (0, 0), 1.2), np.float32)


def _above_hairline(layers: Layers, rng: np.random.Generator) -> FloatArray:
    """0 below a hairline that runs over the forehead at a height by chance, 1 above it and beside the face."""
    points, unit_px = layers.landmarks, eye_distance_px(layers.landmarks)
    height, parting = rng.uniform(0.15, 0.62), rng.uniform(-0.5, 0.5)
    x, y = points[27]
    columns, rows = pixel_grid(CANVAS_SHAPE)
    across = (columns - x) / unit_px
    half_px = 0.5 * float(np.linalg.norm(points[16] - points[0])) / unit_px
    line = y - unit_px * (0.35 + height - 0.4 * (across - 0.2 * parting) ** 2 + 0.12 * parting * across)
    strands = cv2.GaussianBlur(rng.standard_normal(CANVAS_SHAPE, np.float32), (0, 0), sigmaX=1.2, sigmaY=9.0)
    above = np.clip((line - rows) / rng.uniform(6, 16) + 0.5 + 0.5 * strands / strands.std(), 0, 1)
    above = cv2.GaussianBlur(above.astype(np.float32), (0, 0), 1.0)
    beside = np.clip((np.abs(across) - 0.93 * half_px) * unit_px / 5, 0, 1)
    return np.asarray(np.maximum(above, beside), np.float32)


def _long(landmarks: FloatArray, volume: float, rng: np.random.Generator) -> FloatArray:
    """Hair that hangs behind the neck to the shoulders or beyond."""
    unit_px = eye_distance_px(landmarks)
    x, y = (landmarks[0] + landmarks[16]) / 2
    half = 0.5 * float(np.linalg.norm(landmarks[16] - landmarks[0])) * min(volume, 1.35)
    length = unit_px * rng.uniform(1.2, 2.6)
    columns, rows = pixel_grid(CANVAS_SHAPE)
    radius = (np.abs(columns - x) / half) ** 3 + (np.abs(rows - y) / length) ** 3
    return np.asarray(np.clip((1 - radius) * 12, 0, 1) * np.clip((rows - y) / (0.2 * unit_px) + 0.5, 0, 1), np.float32)


def brow_share(landmarks: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Where brows are drawn over the portrait's thin ones, and how densely, ``(height, width)``."""
    unit_px = eye_distance_px(landmarks)
    drawn = np.zeros(CANVAS_SHAPE, np.float32)
    thickness = max(1, round(unit_px * rng.uniform(0.02, 0.085)))
    for brow in (landmarks[17:22], landmarks[22:27]):
        cv2.polylines(drawn, [np.round(brow * 8).astype(np.int32)], False, 1.0, thickness, cv2.LINE_AA, 3)
    hairs = np.clip(0.8 + 0.3 * rng.standard_normal(CANVAS_SHAPE, np.float32), 0, 1)
    return np.asarray(rng.uniform(0.25, 0.85) * cv2.GaussianBlur(drawn * hairs, (0, 0), 1.6), np.float32)
