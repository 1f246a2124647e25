"""AU45, the blink: the upper lid comes down over the eye."""

import numpy as np

from mer.synth.portrait import FloatArray, eye_distance_px

CLOSURE = 0.85  # of the eye's opening; a field that closed all of it could not be undone
_EYES = (((36, 37, 38, 39), (36, 41, 40, 39)), ((42, 43, 44, 45), (42, 47, 46, 45)))


def blink_field(landmarks: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Displacement of both upper lids, closed as far as they go.

    Between the lids the eye is compressed evenly towards the lower lid; above the upper lid the movement
    fades out below the brow.

    Args:
        landmarks: ``(68, 2)``, px.
        shape: (height, width) of the field.

    Returns:
        ``(2, height, width)`` in px; channel 0, to the right, is 0.
    """
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    down = np.zeros(shape, np.float32)
    for upper, lower in _EYES:
        top, bottom = (_lid(landmarks[list(lid)], shape[1]) for lid in (upper, lower))
        opening = np.clip(bottom - top, 0, None) * _between(landmarks[upper[0], 0], landmarks[upper[-1], 0], shape[1])
        fold_px = 0.2 * eye_distance_px(landmarks)  # so wide that the field's slope stays below 1
        above = np.clip((rows - (top - fold_px)) / fold_px, 0, 1)
        below = np.clip((bottom - rows) / np.maximum(bottom - top, 1e-3), 0, 1)
        shape_down = np.where(rows < top, above, below)
        down += CLOSURE * opening * shape_down
    return np.stack([np.zeros_like(down), down])


def _between(left: float, right: float, width: int) -> FloatArray:
    """1 between an eye's corners, falling smoothly to 0 at them, ``(width,)``."""
    inside = np.clip(np.minimum(np.arange(width) - left, right - np.arange(width)) / (0.2 * (right - left)), 0, 1)
    return np.asarray(inside**2 * (3 - 2 * inside), np.float32)


def _lid(points: FloatArray, width: int) -> FloatArray:
    """Height of a lid in each column: a cubic through its four landmarks; one height beyond its corners."""
    columns = np.clip(np.arange(width), points[0, 0], points[-1, 0])
    middle, half = points[:, 0].mean(), (points[-1, 0] - points[0, 0]) / 2
    curve = np.polynomial.Polynomial.fit((points[:, 0] - middle) / half, points[:, 1], 3, domain=[-1, 1])
    return np.asarray(curve((columns - middle) / half), np.float32)


def blink_profile(frames: int, first: int, length: int) -> FloatArray:
    """How far the lids are closed, ``(frames,)``: ``length`` frames from ``first`` on; closing is the faster half."""
    profile = np.zeros(frames, np.float32)
    phase = np.arange(1, length + 1) / (length + 1)
    rising = phase < 0.4
    amount = np.where(rising, phase / 0.4, (1 - phase) / 0.6)
    profile[first : first + length] = amount**2 * (3 - 2 * amount)
    return profile
