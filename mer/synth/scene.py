"""What surrounds a face: clothes, glasses, backdrop, light."""

import cv2
import numpy as np

from mer.synth.canvas import CANVAS_SHAPE
from mer.synth.grid import pixel_grid
from mer.synth.portrait import FloatArray, eye_distance_px


def backdrop(rng: np.random.Generator) -> FloatArray:
    """A plain wall with a slope of brightness and faint clouds, linear light, ``(height, width, 3)``."""
    colour = rng.uniform(0.04, 0.7) * np.array([1, 1, 1]) * rng.uniform(0.8, 1.2, 3)
    columns, rows = pixel_grid(CANVAS_SHAPE)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * (columns / CANVAS_SHAPE[1] - 0.5) + np.sin(angle) * (rows / CANVAS_SHAPE[0] - 0.5)
    clouds = cv2.resize(rng.standard_normal((6, 8), np.float32), CANVAS_SHAPE[::-1], interpolation=cv2.INTER_CUBIC)
    shade = 1 + rng.uniform(0.1, 0.7) * along + rng.uniform(0.0, 0.12) * clouds
    return np.asarray(np.clip(shade, 0.2, 2)[..., None] * colour, np.float32)


def clothes(landmarks: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """A garment: its linear light ``(height, width, 3)`` and where it is ``(height, width)``."""
    unit_px = eye_distance_px(landmarks)
    x, chin = landmarks[8]
    columns, rows = pixel_grid(CANVAS_SHAPE)
    across = np.abs(columns - x) / unit_px
    neck, slope, drop = rng.uniform(0.42, 0.55), rng.uniform(0.25, 0.5), rng.uniform(0.05, 0.3)
    shoulders = chin + unit_px * (0.22 + slope * np.maximum(across - neck, 0) ** 1.3)
    deep = rng.uniform(0.2, 0.6)
    pointed = 1.0 if rng.random() < 0.4 else 2.0
    collar = chin + unit_px * (0.22 + drop + deep * (1 - np.minimum(across / neck, 1) ** pointed))
    edge = np.where(across < neck, collar, shoulders)
    share = np.clip((rows - edge) / 2.5 + 0.5, 0, 1) * np.clip((2.1 - across) * 6, 0, 1)
    weave = cv2.GaussianBlur(rng.standard_normal(CANVAS_SHAPE, np.float32), (0, 0), rng.uniform(0.7, 1.5))
    folds = cv2.resize(rng.standard_normal((10, 14), np.float32), CANVAS_SHAPE[::-1], interpolation=cv2.INTER_CUBIC)
    shade = 1 + rng.uniform(0.02, 0.09) * weave / weave.std() + 0.15 * folds
    if rng.random() < 0.25:
        shade = shade * (1 + 0.4 * np.sign(np.sin(rows * 2 * np.pi / (unit_px * rng.uniform(0.08, 0.25)))))
    colour = rng.uniform(0.01, 0.6) * rng.uniform(0.25, 1.0, 3)
    return np.asarray(np.clip(shade, 0.1, 2)[..., None] * colour, np.float32), np.asarray(share, np.float32)


def glasses(landmarks: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Where the rims of a pair of glasses are, ``(height, width)``."""
    unit_px = eye_distance_px(landmarks)
    drawn = np.zeros(CANVAS_SHAPE, np.float32)
    left, right = landmarks[36:42].mean(0), landmarks[42:48].mean(0)
    width, height = unit_px * rng.uniform(0.27, 0.36), unit_px * rng.uniform(0.18, 0.29)
    power, thickness = rng.uniform(2.0, 5.0), int(rng.integers(1, 3))
    turn = np.linspace(0, 2 * np.pi, 72)
    rim = np.stack([_powered(np.cos(turn), power) * width, _powered(np.sin(turn), power) * height], -1)
    down = np.array([0.0, 0.05 * unit_px])
    apart = (right - left) * 0.03
    lines = [left - apart + down + rim, right + apart + down + rim]
    lines.append(np.stack([left - apart + (width, 0), (left + right) / 2 - down, right + apart - (width, 0)]))
    lines += [
        np.stack([left - apart - (width, 0), landmarks[0] - down]),
        np.stack([right + apart + (width, 0), landmarks[16] - down]),
    ]
    for line in lines:
        cv2.polylines(drawn, [np.round(line * 8).astype(np.int32)], False, 1.0, thickness, cv2.LINE_AA, 3)
    return np.asarray(np.clip(cv2.GaussianBlur(drawn, (0, 0), 0.8), 0, 0.8), np.float32)


def _powered(values: FloatArray, power: float) -> FloatArray:
    """Of a cosine or sine: the shape between an ellipse (2) and a rectangle (infinity)."""
    return np.asarray(np.sign(values) * np.abs(values) ** (2 / power), np.float32)


def shading(landmarks: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Light from one side on an egg with a nose, mean 1 over the face, ``(height, width)``."""
    unit_px = eye_distance_px(landmarks)
    x, y = (landmarks[29] + landmarks[30]) / 2
    columns, rows = pixel_grid(CANVAS_SHAPE)
    right, down = (columns - x) / (1.25 * unit_px), (rows - y) / (1.7 * unit_px)
    squared = right**2 + down**2
    depth = np.sqrt(np.maximum(1 - squared, 0.0)) + 0.35 * np.exp(-0.5 * ((right / 0.13) ** 2 + (down / 0.22) ** 2))
    depth = cv2.GaussianBlur(depth.astype(np.float32), (0, 0), 0.06 * unit_px)
    slope = np.stack([-np.gradient(depth, axis=1), -np.gradient(depth, axis=0)]) * 1.3 * unit_px
    normal = np.stack([*slope, np.ones_like(depth)]) / np.sqrt((slope**2).sum(0) + 1)
    azimuth, height = rng.uniform(-1.2, 1.2), rng.uniform(-0.1, 0.9)
    light = np.array([np.sin(azimuth) * np.cos(height), -np.sin(height), np.cos(azimuth) * np.cos(height)])
    lit = np.clip(np.tensordot(light, normal, 1), 0, None)
    strength = rng.uniform(0.1, 0.75)
    face = np.exp(-2 * squared)
    shade = 1 - strength + strength * lit / ((lit * face).sum() / face.sum())
    return np.asarray(cv2.GaussianBlur(np.clip(shade, 0.15, 1.9).astype(np.float32), (0, 0), 4.0), np.float32)
