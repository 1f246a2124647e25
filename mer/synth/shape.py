"""What makes one face's shape another's: a smooth warp of the canvas tied to the landmarks."""

from dataclasses import dataclass

import cv2
import numpy as np

from mer.synth.action_units import Bump, bump_field
from mer.synth.canvas import CANVAS_SHAPE, Layers
from mer.synth.grid import pixel_grid
from mer.synth.portrait import FloatArray, eye_distance_px

COARSENESS = 2  # the warp is so smooth that half the canvas's resolution says all of it
WAVE_PX = 2.2  # typical displacement, per axis, of the waves that make both halves of a face differ


@dataclass(frozen=True)
class Feature:
    """One way in which faces differ.

    Attributes:
        bumps: displacement at value 1.
        mean: value of the typical subject; not 0 where the portrait itself is far from typical.
        spread: largest difference from ``mean``.
    """

    bumps: tuple[Bump, ...]
    spread: float
    mean: float = 0.0


# Lengths in eye distances, (outward, up), as for action units.
FEATURES: dict[str, Feature] = {
    "face width": Feature((Bump((0, 1, 2, 3), (1.0, 0.0), (0.40, 0.75)),), 0.10),
    "jaw width": Feature((Bump((4, 5, 6), (1.0, 0.15), (0.30, 0.30)),), 0.13),
    "chin length": Feature((Bump((7, 8), (0.0, -1.0), (0.40, 0.30)),), 0.09),
    "chin width": Feature((Bump((6, 7), (1.0, 0.0), (0.22, 0.22)),), 0.09),
    "cheek fullness": Feature((Bump((2, 3), (1.0, 0.0), (0.25, 0.25)),), 0.08),
    "eye distance": Feature((Bump((36, 37, 38, 39, 40, 41), (1.0, 0.0), (0.32, 0.28)),), 0.06),
    "eye height": Feature((Bump((36, 37, 38, 39, 40, 41), (0.0, 1.0), (0.36, 0.26)),), 0.06),
    "eye opening": Feature(
        (
            Bump((37, 38), (0.0, 1.0), (0.17, 0.085), (0.0, 0.02)),
            Bump((40, 41), (0.0, -0.6), (0.17, 0.085), (0.0, -0.02)),
        ),
        0.034,
    ),
    "eye width": Feature((Bump((36,), (1.0, 0.0), (0.13, 0.15)), Bump((39,), (-0.7, 0.0), (0.13, 0.15))), 0.035),
    "eye slant": Feature((Bump((36,), (0.0, 1.0), (0.15, 0.15)), Bump((39,), (0.0, -0.8), (0.12, 0.15))), 0.045),
    "brow height": Feature((Bump((18, 19, 20), (0.0, 1.0), (0.34, 0.16), (0.0, 0.05)),), 0.075),
    "brow slant": Feature((Bump((17, 18), (0.0, 1.0), (0.2, 0.14)), Bump((21,), (0.0, -0.9), (0.2, 0.14))), 0.05),
    "nose length": Feature((Bump((31, 33, 35), (0.0, -1.0), (0.30, 0.26)),), 0.045),
    "nose width": Feature((Bump((31,), (1.0, 0.0), (0.15, 0.18)),), 0.075),
    "bridge width": Feature((Bump((28, 28, 39), (1.0, 0.0), (0.10, 0.25)),), 0.03),
    "mouth width": Feature((Bump((48,), (1.0, 0.0), (0.20, 0.24)),), 0.08, mean=-0.05),
    "mouth height": Feature((Bump((48, 51, 57, 54), (0.0, 1.0), (0.45, 0.22)),), 0.035),
    "mouth corners": Feature((Bump((48,), (0.0, 1.0), (0.19, 0.14)),), 0.035, mean=-0.10),
    "mouth bow": Feature((Bump((51, 57), (0.0, 1.0), (0.18, 0.14)),), 0.012, mean=0.012),
    "upper lip": Feature((Bump((50, 51), (0.0, 1.0), (0.20, 0.07), (0.0, 0.02)),), 0.018),
    "lower lip": Feature((Bump((57, 58), (0.0, -1.0), (0.20, 0.07), (0.0, -0.02)),), 0.02, mean=0.008),
}


@dataclass(frozen=True)
class Warp:
    """A smooth map of the canvas onto itself: what lies at p on the warped canvas comes from p - field(p).

    Attributes:
        field: ``(2, height, width)``, px, channel 0 right, channel 1 down.
    """

    field: FloatArray

    def image(self, image: FloatArray) -> FloatArray:
        """The canvas warped, ``(height, width[, 3])``."""
        columns, rows = pixel_grid(CANVAS_SHAPE)
        warped = cv2.remap(
            image, columns - self.field[0], rows - self.field[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(np.clip(warped, 0, 255 if image.ndim == 3 else 1), np.float32)

    def points(self, points: FloatArray) -> FloatArray:
        """Where canvas positions ``(n, 2)`` go, by fixed-point iteration."""
        moved = points.copy()
        for _ in range(40):  # the field's slope is below about 0.6
            x, y = np.ascontiguousarray(moved[:, 0]), np.ascontiguousarray(moved[:, 1])
            moved = points + np.stack([cv2.remap(axis, x, y, cv2.INTER_LINEAR).ravel() for axis in self.field], -1)
        return np.asarray(moved, np.float32)


def random_warp(landmarks: FloatArray, rng: np.random.Generator) -> Warp:
    """Another face's shape: every feature by chance, the face's proportions, and waves."""
    coarse = (CANVAS_SHAPE[0] // COARSENESS, CANVAS_SHAPE[1] // COARSENESS)
    points = np.asarray((landmarks + 0.5) / COARSENESS - 0.5, np.float32)
    field = _proportions(points, coarse, rng) + _waves(coarse, rng)
    for feature in FEATURES.values():
        value = feature.mean + feature.spread * rng.uniform(-1, 1)
        for bump in feature.bumps:
            field += value * eye_distance_px(landmarks) * bump_field(bump, points, (1.0, 1.0), coarse)
    size = (CANVAS_SHAPE[1], CANVAS_SHAPE[0])
    return Warp(np.stack([cv2.resize(axis, size, interpolation=cv2.INTER_CUBIC) for axis in field]).astype(np.float32))


def warped(layers: Layers, warp: Warp) -> Layers:
    """The layers of a face of another shape."""
    return layers.changed(warp.image, warp.points(layers.landmarks))


def _proportions(points: FloatArray, coarse: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """The whole head wider or narrower, longer or shorter, about the nose; px of the canvas."""
    x, y = points[29]
    wider, longer = rng.uniform(-0.07, 0.07), rng.uniform(-0.06, 0.06)
    columns, rows = pixel_grid(coarse)
    return np.asarray(COARSENESS * np.stack([wider * (columns - x), longer * (rows - y)]), np.float32)


def _waves(coarse: tuple[int, int], rng: np.random.Generator, modes: int = 6) -> FloatArray:
    """Long cosine waves, so that features shift and no line visibly bends; px of the canvas."""
    direction = rng.uniform(0, 2 * np.pi, modes)
    radians_per_px = COARSENESS * 2 * np.pi / rng.uniform(180, 450, modes)
    phase, amplitude = rng.uniform(0, 2 * np.pi, modes), rng.normal(0, WAVE_PX * np.sqrt(2 / modes), (modes, 2))
    columns, rows = pixel_grid(coarse)
    field = np.zeros((2, *coarse), np.float32)
    for mode in range(modes):
        along = radians_per_px[mode] * (np.cos(direction[mode]) * columns + np.sin(direction[mode]) * rows)
        field += amplitude[mode][:, None, None] * np.cos(along + phase[mode]).astype(np.float32)
    return field
