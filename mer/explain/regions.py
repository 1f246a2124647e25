"""Where on a face each action unit moves the skin, as polygons between landmarks.

Each region holds the skin that the unit's muscles move as the Facial Action Coding System describes it (Ekman, Friesen
and Hager 2002); how far it reaches is our choice. A corner is a landmark and a shift (outward, up) in eye distances.
"""

from collections.abc import Iterable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.action_units import ActionUnit
from mer.align.landmarks import N_LANDMARKS, Points, eye_centres
from mer.errors import MerError

Corner = tuple[int, float, float]
Polygons = list[NDArray[np.float32]]

_LIPS: tuple[Corner, ...] = (
    *((51, 0.0, 0.04), (50, 0.0, 0.05), (49, 0.0, 0.05), (48, 0.06, 0.0)),
    *((59, 0.0, -0.05), (58, 0.0, -0.05), (57, 0.0, -0.04)),
)
_CHIN: tuple[Corner, ...] = ((57, 0.0, 0.15), (59, 0.08, 0.05), (6, -0.02, 0.05), (7, 0.0, 0.03), (8, 0.0, 0.03))

# On the subject's right side, the image's left; the left side is the mirror image. Landmarks on the midline
# (27, 33, 51, 57, 8) are corners of both.
REGIONS: Mapping[int, tuple[Corner, ...]] = {
    # Inner brow raiser. Frontalis, its medial part: inner half of the brow and the forehead above it.
    1: ((20, 0.08, -0.06), (21, 0.0, -0.06), (27, 0.0, 0.2), (27, 0.0, 0.65), (20, 0.08, 0.35)),
    # Outer brow raiser. Frontalis, its lateral part: outer half of the brow and the forehead above it.
    2: ((17, 0.06, -0.06), (19, -0.07, -0.06), (19, -0.07, 0.34), (17, 0.06, 0.33)),
    # Brow lowerer. Corrugator and depressor supercilii, procerus: the brow and the skin between both brows.
    4: (
        *((17, 0.0, -0.08), (19, 0.0, -0.1), (21, 0.0, -0.1), (27, 0.0, 0.02), (27, 0.0, 0.45)),
        *((21, 0.0, 0.18), (19, 0.0, 0.12), (17, 0.0, 0.1)),
    ),
    # Upper lid raiser. Levator palpebrae superioris: the upper lid.
    5: (
        *((36, 0.04, 0.0), (37, 0.0, -0.04), (38, 0.0, -0.04), (39, -0.04, 0.0)),
        *((39, -0.02, 0.12), (38, 0.0, 0.15), (37, 0.0, 0.15), (36, 0.04, 0.12)),
    ),
    # Cheek raiser. Orbicularis oculi, its orbital part: beside the eye, below it, and the cheek that is lifted.
    6: (
        *((36, 0.26, 0.14), (36, 0.03, 0.05), (41, 0.03, -0.05), (40, 0.0, -0.05), (39, 0.0, -0.08)),
        *((39, 0.03, -0.3), (41, 0.0, -0.5), (36, 0.24, -0.4)),
    ),
    # Lid tightener. Orbicularis oculi, its palpebral part: both lids.
    7: ((36, 0.08, 0.0), (37, 0.0, 0.1), (38, 0.0, 0.1), (39, -0.08, 0.0), (40, 0.0, -0.12), (41, 0.0, -0.12)),
    # Nose wrinkler. Levator labii superioris alaeque nasi: the nose's root and side, down to its wing.
    9: (
        *((27, 0.0, 0.15), (39, -0.05, 0.12), (39, -0.02, -0.1), (31, 0.18, 0.14)),
        *((31, 0.12, -0.08), (33, 0.0, -0.02)),
    ),
    # Upper lip raiser. Levator labii superioris: the upper lip and the skin beside the nose's wing.
    10: (
        *((31, 0.22, 0.22), (31, 0.03, 0.12), (31, 0.02, -0.04), (33, 0.0, -0.04), (51, 0.0, -0.08)),
        *((50, 0.0, -0.08), (49, 0.0, -0.06), (48, 0.08, 0.05)),
    ),
    # Lip corner puller. Zygomaticus major: from the lip corner along the cheek towards the cheekbone.
    12: (
        *((48, -0.12, -0.1), (48, 0.12, -0.12), (48, 0.42, 0.22), (48, 0.3, 0.5), (48, 0.06, 0.42)),
        (48, -0.12, 0.12),
    ),
    # Dimpler. Buccinator: the lip corner and the cheek beside it.
    14: ((48, -0.14, 0.13), (48, -0.14, -0.13), (48, 0.3, -0.16), (48, 0.3, 0.18)),
    # Lip corner depressor. Depressor anguli oris: from the lip corner down to the jaw.
    15: ((48, -0.14, 0.09), (48, 0.14, 0.09), (48, 0.22, -0.3), (6, 0.05, 0.1), (59, -0.05, -0.28), (59, -0.05, 0.0)),
    # Lower lip depressor. Depressor labii inferioris: the lower lip and the skin below it.
    16: ((57, 0.0, 0.12), (59, 0.0, 0.06), (59, 0.0, -0.26), (57, 0.0, -0.22)),
    # Chin raiser. Mentalis: the chin's boss and the lower lip that it pushes up.
    17: _CHIN,
    # Lip pucker. Incisivii labii and orbicularis oris; the same muscles press, tighten, part and suck the lips.
    18: _LIPS,
    # Lip stretcher. Risorius and platysma: from the lip corner straight outward.
    20: ((48, -0.14, 0.1), (48, 0.38, 0.08), (48, 0.42, -0.25), (48, 0.1, -0.22), (59, -0.05, -0.05)),
    # Lip tightener, lip pressor, lips part, lip suck. Orbicularis oris: both lips.
    23: _LIPS,
    24: _LIPS,
    25: _LIPS,
    28: _LIPS,
    # Jaw drop. Masseter and temporalis relaxed: the lower lip and the chin.
    26: _CHIN,
}
_RUNS = ((0, 16, 16), (17, 26, 43), (31, 35, 66), (36, 39, 81), (40, 41, 87), (48, 54, 102), (55, 59, 114))
_MIRRORED = {point: total - point for first, last, total in _RUNS for point in range(first, last + 1)}
_SIDES = {"R": -1.0, "L": 1.0}  # of the face; outward is to the image's left and right


def unit_polygons(landmarks_px: Points, unit: ActionUnit) -> Polygons:
    """Corners ``(K, 2)`` (x, y) px of the regions of ``unit`` on a face with landmarks ``(68, 2)``.

    Both sides of the face, or one where the unit says so; none where FACS codes no skin movement for it here.

    Raises:
        MerError: not 68 finite landmarks.
    """
    points = np.asarray(landmarks_px, np.float64)
    if points.shape != (N_LANDMARKS, 2) or not np.isfinite(points).all():
        raise MerError("68 landmarks (x, y)", f"{points.shape}", "choose align=fan, dlib or given")
    corners = REGIONS.get(unit.number)
    sides = [unit.side] if unit.side else list(_SIDES)
    return [] if corners is None else [_side(points, corners, side) for side in sides]


def units_mask(landmarks_px: Points, units: Iterable[ActionUnit], size_px: int) -> NDArray[np.bool_]:
    """Which px of a square crop lie in a region of any of ``units``: ``(size, size)``.

    Raises:
        MerError: as :func:`unit_polygons`.
    """
    mask = np.zeros((size_px, size_px), np.uint8)
    for unit in units:
        for corners in unit_polygons(landmarks_px, unit):
            cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1)
    return mask.astype(bool)


def _side(points: NDArray[np.float64], corners: Iterable[Corner], side: str) -> NDArray[np.float32]:
    right, left = eye_centres(points.astype(np.float32))
    across = left - right  # its length is the eye distance
    up = np.array([across[1], -across[0]])
    placed = [
        points[number if side == "R" else _MIRRORED.get(number, number)] + _SIDES[side] * outward * across + rise * up
        for number, outward, rise in corners
    ]
    return np.array(placed, np.float32)
