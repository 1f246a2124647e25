"""Clips of a textured face-sized square that moves as a test asks."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE_PX = 112
Floats = NDArray[np.float32]

# 68 points as a crop by the eyes has them, as shares of its side: brows, nose, eyes, mouth; the jaw is not used.
_GROUPS = {
    (17, 22): (0.14, 0.22, 0.37, 0.25),
    (22, 27): (0.62, 0.21, 0.85, 0.25),
    (27, 36): (0.45, 0.35, 0.58, 0.63),
    (36, 42): (0.20, 0.31, 0.37, 0.38),
    (42, 48): (0.62, 0.31, 0.81, 0.38),
    (48, 68): (0.33, 0.70, 0.67, 0.82),
}


def landmarks(size_px: int = SIZE_PX) -> Floats:
    """``(68, 2)``: each group runs once around its box's diagonal corners."""
    points = np.full((68, 2), 0.5, np.float32)
    for (first, last), (left, top, right, bottom) in _GROUPS.items():
        angle = np.linspace(0, 2 * np.pi, last - first, endpoint=False)
        points[first:last, 0] = (left + right) / 2 - (right - left) / 2 * np.cos(angle)
        points[first:last, 1] = (top + bottom) / 2 - (bottom - top) / 2 * np.sin(angle)
    return points * (size_px - 1)


def mouth_bump(size_px: int = SIZE_PX) -> Floats:
    """A Gaussian of height 1 at the image's left corner of the mouth, ``(S, S)``."""
    y, x = np.indices((size_px, size_px)) / (size_px - 1)
    return np.exp(-(((x - 0.36) / 0.08) ** 2) - ((y - 0.74) / 0.08) ** 2).astype(np.float32)


def moving_clip(
    displacement: Callable[[int], tuple[Floats, Floats]], frames: int, noise_grey: float = 0.0
) -> NDArray[np.uint8]:
    """Crops ``(T, S, S, 3)`` of one texture, displaced by ``(u, v)`` px, each ``(S, S)``, at frame t."""
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.normal(0, 1, (SIZE_PX, SIZE_PX)).astype(np.float32), (0, 0), 1.5)
    texture = 128 + 45 * (texture - texture.mean()) / texture.std()
    rows, columns = np.indices(texture.shape).astype(np.float32)
    crops = []
    for frame in range(frames):
        u, v = displacement(frame)
        image = cv2.remap(texture, columns - u, rows - v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        image = image + rng.normal(0, noise_grey, image.shape)
        crops.append(np.repeat(np.clip(np.rint(image), 0, 255).astype(np.uint8)[..., None], 3, axis=2))
    return np.stack(crops)


def rise_and_fall(frame: int, apex: int, last: int) -> float:
    """0 at frame 0 and at ``last``, 1 at ``apex``."""
    return frame / apex if frame <= apex else (last - frame) / (last - apex)


def expression(
    apex: int, frames: int, peak_px: float = 1.5, drift_px: float = 0.0
) -> Callable[[int], tuple[Floats, Floats]]:
    """The corner of the mouth goes up and comes back; the whole head drifts to the right in a straight line."""
    bump = mouth_bump()

    def displacement(frame: int) -> tuple[Floats, Floats]:
        drift = np.full_like(bump, drift_px * frame / (frames - 1))
        return drift, -peak_px * rise_and_fall(frame, apex, frames - 1) * bump

    return displacement
