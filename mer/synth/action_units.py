"""Where each facial action unit moves the skin, as sums of Gaussians anchored at landmarks; the blink is eyelids.py.

Directions follow the muscles as the Facial Action Coding System describes them (Ekman, Friesen & Hager,
2002). Lengths are in eye distances (between the eyes' centres), so that the fields fit any face.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mer.synth.portrait import MIRROR_ORDER, FloatArray, eye_distance_px


@dataclass(frozen=True)
class Bump:
    """One Gaussian of displacement on the subject's right side; the left side is its mirror image.

    Attributes:
        anchors: landmarks of the right side whose mean is the centre.
        towards: direction, (outward, up); its length is the bump's weight.
        width: standard deviation (across, along the face's height), eye distances.
        offset: shift of the centre from the anchors, (outward, up), eye distances.
    """

    anchors: tuple[int, ...]
    towards: tuple[float, float]
    width: tuple[float, float]
    offset: tuple[float, float] = (0.0, 0.0)


ACTION_UNITS: dict[int, tuple[Bump, ...]] = {
    # Inner brow raiser: the inner brow and, less, the forehead above it.
    1: (Bump((20, 21), (0.0, 1.0), (0.16, 0.16)), Bump((21,), (0.0, 0.5), (0.20, 0.18), (0.0, 0.28))),
    # Outer brow raiser.
    2: (Bump((18,), (0.1, 1.0), (0.20, 0.15)), Bump((18, 19), (0.0, 0.5), (0.20, 0.16), (0.0, 0.25))),
    # Brow lowerer: down, and together at the inner end.
    4: (
        Bump((20, 21), (-0.65, -0.75), (0.18, 0.16)),
        Bump((18, 19), (-0.2, -0.5), (0.18, 0.14)),
        Bump((21, 27), (-0.2, -0.4), (0.12, 0.16)),
    ),
    # Upper lid raiser.
    5: (Bump((37, 38), (0.0, 1.0), (0.14, 0.07), (0.0, 0.02)),),
    # Cheek raiser: the cheek and the lower lid up, the skin beside the eye inward.
    6: (
        Bump((41,), (0.1, 0.9), (0.24, 0.18), (0.05, -0.35)),
        Bump((40, 41), (0.0, 0.4), (0.16, 0.08), (0.0, -0.06)),
        Bump((36,), (-0.4, 0.0), (0.12, 0.14), (0.18, 0.0)),
    ),
    # Lid tightener: the lower lid up and towards the nose, the upper lid a little down.
    7: (
        Bump((40, 41), (-0.25, 0.9), (0.16, 0.08), (0.0, -0.03)),
        Bump((37, 38), (0.0, -0.35), (0.14, 0.06), (0.0, 0.02)),
    ),
    # Nose wrinkler: the nose's side up, the upper lip a little, the inner brow down.
    9: (
        Bump((29, 31), (0.0, 1.0), (0.14, 0.18), (0.08, 0.10)),
        Bump((50,), (0.0, 0.45), (0.14, 0.12), (0.0, 0.05)),
        Bump((21,), (-0.2, -0.35), (0.14, 0.12)),
    ),
    # Upper lip raiser.
    10: (
        Bump((49, 50), (0.1, 1.0), (0.16, 0.13), (0.0, 0.03)),
        Bump((31,), (0.1, 0.6), (0.16, 0.18), (0.20, 0.08)),
    ),
    # Lip corner puller: the corner out and up, the cheek above follows.
    12: (
        Bump((48,), (0.7, 0.7), (0.20, 0.17)),
        Bump((48,), (0.3, 0.5), (0.20, 0.20), (0.12, 0.30)),
        Bump((59,), (0.3, 0.25), (0.16, 0.12)),
    ),
    # Dimpler: the lip corner straight outward and inward into the cheek, which is drawn towards it.
    14: (
        Bump((48,), (0.9, 0.05), (0.13, 0.10)),
        Bump((48,), (-0.5, 0.0), (0.12, 0.15), (0.25, 0.02)),
    ),
    # Lip corner depressor.
    15: (Bump((48,), (0.1, -1.0), (0.16, 0.14)), Bump((59, 5), (0.0, -0.4), (0.16, 0.16))),
    # Chin raiser: the chin's skin and the lower lip up.
    17: (Bump((8, 57), (0.0, 0.5), (0.24, 0.18)), Bump((57,), (0.0, 0.3), (0.20, 0.10))),
    # Lip pucker: the corners towards the middle.
    18: (Bump((48,), (-1.0, 0.0), (0.18, 0.15)), Bump((50, 58), (-0.3, 0.0), (0.12, 0.14))),
    # Lip stretcher: straight outward.
    20: (Bump((48,), (1.0, -0.1), (0.24, 0.18)), Bump((59,), (0.5, -0.1), (0.18, 0.14))),
    # Lip tightener: the lips thinner, the corners in.
    23: (
        Bump((50, 51), (0.0, -0.4), (0.20, 0.08)),
        Bump((57, 58), (0.0, 0.4), (0.20, 0.08)),
        Bump((48,), (-0.6, 0.0), (0.12, 0.10)),
    ),
    # Lip presser: the lips against each other, the corners still.
    24: (Bump((50, 51), (0.0, -0.5), (0.24, 0.09)), Bump((57, 58), (0.0, 0.6), (0.24, 0.09))),
    # Lips part.
    25: (Bump((50, 51), (0.0, 0.3), (0.20, 0.08)), Bump((57, 58), (0.0, -0.6), (0.22, 0.12))),
    # Jaw drop: chin and lower lip down.
    26: (Bump((8,), (0.0, -0.5), (0.50, 0.26)), Bump((57, 58), (0.0, -0.4), (0.28, 0.16))),
}


def gaussian_bump(centre: FloatArray, sigma_px: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """A Gaussian of height 1 around ``centre`` (x, y), ``(height, width)``; ``sigma_px`` is (x, y)."""
    across = np.exp(-0.5 * ((np.arange(shape[1]) - centre[0]) / sigma_px[0]) ** 2)
    down = np.exp(-0.5 * ((np.arange(shape[0]) - centre[1]) / sigma_px[1]) ** 2)
    return np.outer(down, across).astype(np.float32)


def bump_field(
    bump: Bump, landmarks: FloatArray, side_gains: tuple[float, float], shape: tuple[int, int]
) -> FloatArray:
    """Displacement of one bump and its mirror image, ``(2, height, width)``, 0 to 1 times its weight.

    Args:
        bump: what moves.
        landmarks: ``(68, 2)``, px.
        side_gains: factors on the subject's right side (the image's left) and left side.
        shape: (height, width) of the field.
    """
    scale_px = eye_distance_px(landmarks)
    field = np.zeros((2, *shape), np.float32)
    for gain, outward in zip(side_gains, (-1.0, 1.0), strict=True):
        anchors = [MIRROR_ORDER[index] if outward > 0 else index for index in bump.anchors]
        to_image = np.array([outward, -1.0], np.float32)
        centre = landmarks[anchors].mean(0) + scale_px * to_image * np.array(bump.offset, np.float32)
        weight = gaussian_bump(centre, np.array(bump.width, np.float32) * scale_px, shape)
        field += gain * (to_image * np.array(bump.towards, np.float32))[:, None, None] * weight
    return field


def action_unit_field(
    unit: int, landmarks: FloatArray, side_gains: tuple[float, float], shape: tuple[int, int]
) -> FloatArray:
    """Displacement field of one action unit at intensity 1.

    Args:
        unit: a key of ``ACTION_UNITS``.
        landmarks: ``(68, 2)``, px.
        side_gains: factors on the subject's right side (the image's left) and left side.
        shape: (height, width) of the field.

    Returns:
        ``(2, height, width)``, channel 0 to the right, channel 1 down; of the order of 1 at its peak.
    """
    fields = [bump_field(bump, landmarks, side_gains, shape) for bump in ACTION_UNITS[unit]]
    return np.asarray(np.sum(fields, 0), np.float32)


def expression_field(
    gains: Mapping[int, tuple[float, float]], landmarks: FloatArray, peak_px: float, shape: tuple[int, int]
) -> FloatArray:
    """Displacement of several action units together, its longest vector exactly ``peak_px`` long.

    Args:
        gains: for each action unit its factors on the subject's right and left side.
        landmarks: ``(68, 2)``, px.
        peak_px: length of the longest displacement.
        shape: (height, width) of the field.

    Returns:
        ``(2, height, width)`` in px, channel 0 to the right, channel 1 down.
    """
    field = np.zeros((2, *shape), np.float32)
    for unit, side_gains in gains.items():
        field += action_unit_field(unit, landmarks, side_gains, shape)
    longest = float(np.sqrt((field**2).sum(0).max()))
    return np.asarray(field * (peak_px / longest), np.float32)
