"""The portrait enlarged on a wider canvas, its smile closed, its hair a layer of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from mer.synth.grid import pixel_grid
from mer.synth.neutral import FOLDS, close_mouth, without_folds
from mer.synth.portrait import MIRROR_ORDER, FloatArray, eye_distance_px, load_parts, load_portrait

CANVAS_SHAPE = (640, 850)  # height, width; a frame of 480 rows shows about 480 of these rows
ENLARGEMENT = 2.5  # portrait px to canvas px: eyes about 108 px apart
MARGIN = (40.0, 20.0)  # portrait px left of and above the portrait


@dataclass(frozen=True)
class Layers:
    """A face in layers, each BGR 0 to 255 ``(height, width, 3)`` or a share 0 to 1 ``(height, width)``.

    Attributes:
        face: face, ears and neck, skin where the hair was.
        hair: the hair, its colour carried on beyond its edge.
        skin_share: where ``face`` is.
        hair_share: where ``hair`` is.
        landmarks: ``(68, 2)``, px of the canvas.
    """

    face: FloatArray
    hair: FloatArray
    skin_share: FloatArray
    hair_share: FloatArray
    landmarks: FloatArray

    def mirrored(self) -> "Layers":
        """The face seen in a mirror, its landmarks renumbered so that each keeps its meaning."""
        landmarks = self.landmarks[list(MIRROR_ORDER)]
        landmarks[:, 0] = CANVAS_SHAPE[1] - 1 - landmarks[:, 0]
        return self.changed(lambda image: np.ascontiguousarray(image[:, ::-1]), landmarks)

    def changed(self, change: Callable[[FloatArray], FloatArray], landmarks: FloatArray) -> "Layers":
        """Every image put through ``change``, and other landmarks."""
        return Layers(change(self.face), change(self.hair), change(self.skin_share), change(self.hair_share), landmarks)


def to_canvas(points: FloatArray) -> FloatArray:
    """Canvas positions ``(..., 2)`` of portrait positions; a px's centre has whole coordinates in both."""
    return np.asarray((points + np.array(MARGIN, np.float32) + 0.5) * ENLARGEMENT - 0.5, np.float32)


@cache
def base_layers() -> Layers:
    """The portrait on the canvas; shared, so never written to."""
    portrait, parts = load_portrait(), load_parts()
    landmarks = to_canvas(portrait.landmarks)
    image, person, hair, skin = (_enlarge(part) for part in (portrait.image, parts.person, parts.hair, parts.skin))
    # Strands of the fringe hang below its edge.
    fringe = _below(hair, 12)
    folds = [to_canvas(np.array(fold, np.float32)) for fold in FOLDS]
    face = without_folds(_spread(image, skin * (1 - fringe), 8.0), folds)
    skull = skull_share(landmarks)
    face, closed = close_mouth(face, landmarks)
    share = np.maximum.reduce([skin * person, skull, _jaw_and_neck_share(landmarks)])
    return Layers(face, _spread(image, hair, 6.0), share, hair * person, closed)


def skull_share(landmarks: FloatArray, volume: float = 1.0) -> FloatArray:
    """1 inside the ellipse of the skull above the ears, grown ``volume`` times, soft at its edge."""
    unit_px = eye_distance_px(landmarks)
    x, y = (landmarks[0] + landmarks[16]) / 2
    top = np.linalg.norm(landmarks[8] - landmarks[27]) * 0.8
    width = 0.5 * np.linalg.norm(landmarks[16] - landmarks[0]) + 0.04 * unit_px
    columns, rows = pixel_grid(CANVAS_SHAPE)
    radius = np.hypot((columns - x) / (width * volume), (rows - y) / (top * volume))
    share = np.clip((1 - radius) * 0.4 * unit_px, 0, 1) * (rows < y + 0.1 * unit_px)
    return np.asarray(cv2.GaussianBlur(share, (0, 0), 1.5), np.float32)


def _jaw_and_neck_share(landmarks: FloatArray) -> FloatArray:
    """1 inside the jaw's line and on a neck that reaches down into any collar."""
    unit_px = eye_distance_px(landmarks)
    jaw = landmarks[:17] - landmarks[28]
    neck = landmarks[8] + unit_px * np.array([(-0.66, -0.5), (-0.66, 1.5), (0.72, 1.5), (0.72, -0.5)])
    share = np.zeros(CANVAS_SHAPE, np.float32)
    for outline in (0.995 * jaw + landmarks[28], neck):
        cv2.fillPoly(share, [np.round(outline).astype(np.int32)], 1.0)
    return np.asarray(cv2.GaussianBlur(share, (0, 0), 1.5), np.float32)


def _enlarge(image: FloatArray) -> FloatArray:
    """A part of the portrait on the canvas, its edge carried on."""
    columns, rows = pixel_grid(CANVAS_SHAPE)
    x, y = ((grid + 0.5) / ENLARGEMENT - 0.5 - margin for grid, margin in zip((columns, rows), MARGIN, strict=True))
    enlarged = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.clip(enlarged, 0, 255 if image.ndim == 3 else 1), np.float32)


def _below(share: FloatArray, px: int) -> FloatArray:
    """``share`` carried on ``px`` downwards."""
    return np.asarray(cv2.dilate(share, np.ones((px, 3), np.uint8), anchor=(1, px - 1)), np.float32)


def _spread(image: FloatArray, share: FloatArray, sigma_px: float) -> FloatArray:
    """``image`` where ``share`` is high; elsewhere its colours there, carried on and blurred."""
    # A px at the part's edge is a mix of both sides, so it counts as unknown.
    inner = cv2.erode((share > 0.9).astype(np.float32), np.ones((3, 3)), iterations=2)
    known = np.asarray(np.clip(2 * _blur(np.asarray(inner, np.float32), 3.0) - 1, 0, 1), np.float32)
    # All blurs are wide, so a quarter of the resolution does.
    small, seen = _quarter(image), _quarter(known)
    total, weight = np.zeros_like(small), np.full_like(seen, 1e-12)
    for widening in (1.0, 2.0, 4.0, 8.0, 16.0):  # together nearly a power of the distance
        total += _blur(small * seen[..., None], sigma_px * widening / 4) / widening
        weight += _blur(seen, sigma_px * widening / 4) / widening
    carried_on = cv2.resize(total / weight[..., None], (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(image * known[..., None] + carried_on * (1 - known[..., None]), np.float32)


def _quarter(image: FloatArray) -> FloatArray:
    return np.asarray(cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), np.float32)


def _blur(image: FloatArray, sigma_px: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)
