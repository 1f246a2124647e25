"""Skin: its tone, its texture and the marks on it. Everything is a gain on linear light."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mer.synth.canvas import CANVAS_SHAPE
from mer.synth.portrait import FloatArray, eye_distance_px

Floats = npt.NDArray[np.floating[Any]]

GAMMA = 2.2
# Tones from light to dark, sRGB; between neighbours every mixture occurs. After the Monk Skin Tone scale
# (https://skintone.google), less its two ends, which a camera under even light hardly ever shows.
TONES_RGB = (
    (226, 200, 184),
    (216, 182, 160),
    (200, 160, 132),
    (168, 126, 98),
    (132, 94, 71),
    (110, 78, 62),
    (90, 65, 53),
)


def to_linear(image: FloatArray) -> FloatArray:
    """Grey levels 0 to 255 as linear light 0 to 1."""
    return np.asarray((np.clip(image, 0, 255) / 255) ** GAMMA, np.float32)


def to_grey_levels(light: FloatArray) -> FloatArray:
    """Linear light as grey levels, 0 to 255."""
    return np.asarray(255 * np.clip(light, 0, 1) ** (1 / GAMMA), np.float32)


def random_tone(rng: np.random.Generator) -> tuple[float, FloatArray]:
    """A skin tone: its place from light (0) to dark (1), and its linear light, BGR."""
    place = float(rng.beta(1.0, 1.4))
    steps = np.linspace(0, 1, len(TONES_RGB))
    rgb = [np.interp(place, steps, [tone[channel] for tone in TONES_RGB]) for channel in range(3)]
    warmth = rng.normal(0, 0.03)
    return place, to_linear(np.array(rgb[::-1], np.float32) * np.array([1 - warmth, 1, 1 + warmth], np.float32))


def tone_gain(face: FloatArray, landmarks: FloatArray, tone: FloatArray) -> FloatArray:
    """Gain ``(height, width, 3)`` that gives the cheeks of ``face`` (linear light) the colour ``tone``.

    The eyes keep most of their own light: their whites do not darken with the skin.
    """
    cheeks = [(landmarks[eye] + landmarks[nose]) / 2 for eye, nose in ((41, 31), (46, 35))]
    x, y = np.round(cheeks).astype(int).T
    own = np.mean([face[b - 6 : b + 7, a - 6 : a + 7].mean((0, 1)) for a, b in zip(x, y, strict=True)], 0)
    share = eye_share(landmarks)[..., None]
    gain = np.asarray(tone / own, np.float32)
    return np.asarray(gain * (1 - share) + gain**0.6 * share, np.float32)


def eye_share(landmarks: FloatArray) -> FloatArray:
    """1 in the two eyes' openings, 0 elsewhere, ``(height, width)``."""
    mask = np.zeros(CANVAS_SHAPE, np.float32)
    for first in (36, 42):
        cv2.fillPoly(mask, [np.round(landmarks[first : first + 6]).astype(np.int32)], 1.0)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.2), np.float32)


def texture_gain(landmarks: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Pores, blotches, freckles, moles, wrinkles and stubble, each at a strength by chance, ``(height, width)``.

    Enlarging leaves skin too smooth for any optical flow; real skin at this scale shows its texture.
    """
    pores = rng.uniform(0.03, 0.075) * _band_noise(rng, 0.8, 2.2)
    blotches = rng.uniform(0.015, 0.05) * _band_noise(rng, 3.0, 9.0)
    gain = (1 + pores) * (1 + blotches) * _freckles(landmarks, rng) * _moles(landmarks, rng)
    gain *= _wrinkles(landmarks, rng)
    if rng.random() < 0.35:
        gain *= _stubble(landmarks, rng)
    return np.asarray(np.clip(gain, 0.1, 1.6), np.float32)


def _band_noise(rng: np.random.Generator, fine_px: float, coarse_px: float) -> FloatArray:
    """Noise of standard deviation 1 between two blurs, ``(height, width)``."""
    noise = rng.standard_normal(CANVAS_SHAPE, np.float32)
    band = cv2.GaussianBlur(noise, (0, 0), fine_px) - cv2.GaussianBlur(noise, (0, 0), coarse_px)
    return np.asarray(band / band.std(), np.float32)


def _spots(centres: Floats, radii_px: Floats, darkness: Floats) -> FloatArray:
    """Gain with a dark Gaussian spot at each of ``centres``, ``(height, width)``."""
    gain = np.ones(CANVAS_SHAPE, np.float32)
    rows, columns = np.mgrid[-12:13, -12:13].astype(np.float32)
    for (x, y), radius, dark in zip(centres, radii_px, darkness, strict=True):
        left, top = int(x), int(y)
        if 12 <= left < CANVAS_SHAPE[1] - 13 and 12 <= top < CANVAS_SHAPE[0] - 13:
            spot = np.exp(-0.5 * ((columns - (x - left)) ** 2 + (rows - (y - top)) ** 2) / radius**2)
            gain[top - 12 : top + 13, left - 12 : left + 13] *= 1 - dark * spot
    return gain


def _freckles(landmarks: FloatArray, rng: np.random.Generator) -> FloatArray:
    number = int(rng.integers(60, 250)) if rng.random() < 0.35 else 0
    centre, unit_px = landmarks[29], eye_distance_px(landmarks)
    places = centre + unit_px * rng.normal(0, 1, (number, 2)) * (0.42, 0.18)
    return _spots(places, rng.uniform(0.7, 1.6, number), rng.uniform(0.08, 0.3, number))


def _moles(landmarks: FloatArray, rng: np.random.Generator) -> FloatArray:
    number = int(rng.poisson(1.5))
    corners = np.array([landmarks[rng.choice(68, 3, replace=False)] for _ in range(number)]).reshape(number, 3, 2)
    places = (rng.dirichlet(np.ones(3), number)[..., None] * corners).sum(1)
    return _spots(places, rng.uniform(1.2, 2.8, number), rng.uniform(0.4, 0.75, number))


def _wrinkles(landmarks: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Forehead lines, folds from nose to mouth and bags below the eyes, deeper with an age by chance."""
    unit_px, age = eye_distance_px(landmarks), rng.uniform(0, 1) ** 1.5
    lines = _forehead_lines(landmarks, unit_px, rng) + _folds(landmarks, unit_px) + _bags(landmarks, unit_px)
    dark = np.zeros(CANVAS_SHAPE, np.float32)
    for line in lines:
        drawn = np.zeros(CANVAS_SHAPE, np.float32)
        cv2.polylines(drawn, [np.round(line * 8).astype(np.int32)], False, 1.0, 2, cv2.LINE_AA, 3)
        dark += rng.uniform(0.3, 1.0) * cv2.GaussianBlur(drawn, (0, 0), rng.uniform(1.2, 2.5))
    return np.asarray(1 - 0.75 * age * np.clip(dark, 0, 0.8), np.float32)


def _forehead_lines(landmarks: FloatArray, unit_px: float, rng: np.random.Generator) -> list[FloatArray]:
    along = np.linspace(-1, 1, 15)[:, None]
    left, right = landmarks[19], landmarks[24]
    middle, half = (left + right) / 2, (right - left) / 2
    bow = np.hstack([0 * along, -0.05 * unit_px * (1 - along**2) + rng.normal(0, 0.008 * unit_px, along.shape)])
    heights = (0.22, 0.34, 0.46)[: int(rng.integers(1, 4))]
    return [middle + along * half * rng.uniform(0.7, 1.1) + bow - (0, height * unit_px) for height in heights]


def _folds(landmarks: FloatArray, unit_px: float) -> list[FloatArray]:
    lines = []
    for wing, corner, side in ((31, 48, -1), (35, 54, 1)):
        start = landmarks[wing] + unit_px * np.array([0.10 * side, -0.04])
        end = landmarks[corner] + unit_px * np.array([0.10 * side, 0.02])
        bend = (start + end) / 2 + unit_px * np.array([0.06 * side, -0.02])
        lines.append(_curve(start, bend, end))
    return lines


def _bags(landmarks: FloatArray, unit_px: float) -> list[FloatArray]:
    drop = unit_px * np.array([0.0, 0.11])
    lines = []
    for outer, lower, inner in ((36, 41, 39), (45, 46, 42)):
        start, end = 0.8 * landmarks[outer] + 0.2 * landmarks[inner], landmarks[inner]
        lines.append(_curve(start + drop / 2, landmarks[lower] + 1.3 * drop, end + drop / 3))
    return lines


def _curve(start: FloatArray, bend: FloatArray, end: FloatArray) -> FloatArray:
    """A curve of 12 points from start to end, drawn towards ``bend``."""
    t = np.linspace(0, 1, 12)[:, None]
    return np.asarray((1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end, np.float32)


def _stubble(landmarks: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A beard's shadow on jaw, chin and upper lip."""
    unit_px = eye_distance_px(landmarks)
    jaw, lip = landmarks[[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]], landmarks[[54, 35, 33, 31, 48]]
    mask = np.zeros(CANVAS_SHAPE, np.float32)
    cv2.fillPoly(mask, [np.round(np.concatenate([jaw, lip])).astype(np.int32)], 1.0)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.07 * unit_px), np.float32)
    mouth = np.zeros(CANVAS_SHAPE, np.float32)
    cv2.fillPoly(mouth, [np.round(landmarks[48:60]).astype(np.int32)], 1.0)
    mask *= 1 - cv2.GaussianBlur(cv2.dilate(mouth, np.ones((5, 5))), (0, 0), 1.5)
    hairs = np.clip(0.75 + 0.35 * _band_noise(rng, 0.6, 1.6), 0, 2)
    return np.asarray(1 - rng.uniform(0.2, 0.6) * mask * hairs, np.float32)
