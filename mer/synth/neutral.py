"""The portrait smiles; a subject at rest does not. The lips are brought together, the smile's folds smoothed."""

import cv2
import numpy as np

from mer.synth.grid import pixel_grid
from mer.synth.portrait import FloatArray, eye_distance_px

# The folds from nose to mouth, on the subject's right and left, px of the portrait.
FOLDS = (((116, 122), (110, 126), (104, 132), (99.5, 140)), ((143, 127), (149, 133), (154, 139), (156.5, 145)))


def close_mouth(image: FloatArray, landmarks: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The face with its lips brought together over the teeth, the corners of the smile let down.

    Returns:
        The face, and its landmarks.
    """
    columns = np.arange(image.shape[1], dtype=np.float32)
    upper = _through(landmarks[[60, 61, 62, 63, 64]], columns)
    lower = _through(landmarks[[60, 67, 66, 65, 64]], columns)
    inside = (columns > landmarks[60, 0]) & (columns < landmarks[64, 0])
    gap = np.where(inside, np.maximum(lower - upper, 0), 0)[None]
    # A px more than the gap, so that no edge of a tooth stays.
    gap = cv2.GaussianBlur((gap + 2.0 * (gap > 0)).astype(np.float32), (0, 0), 2.0)
    seam = (upper + 0.4 * gap[0])[None]
    rows = pixel_grid((image.shape[0], image.shape[1]))[1]
    reach = 0.42 * eye_distance_px(landmarks)
    fade = np.clip(1 - np.abs(rows - seam) / np.where(rows < seam, 0.6 * reach, reach), 0, 1)
    fade = fade**2 * (3 - 2 * fade)
    shift = np.asarray(np.where(rows < seam, -0.4 * gap, 0.6 * gap) * fade, np.float32)
    closed = cv2.remap(image, np.broadcast_to(columns, rows.shape).copy(), rows + shift, cv2.INTER_CUBIC)
    dark = np.exp(-0.5 * ((rows - seam) / 1.6) ** 2) * np.clip(gap / 8, 0, 1)
    closed = closed * (1 - 0.45 * dark[..., None])
    points = landmarks.copy()
    for index in (*range(49, 54), 61, 62, 63, *range(55, 60), 65, 66, 67, *range(6, 11)):
        points[index, 1] = _moved_row(landmarks[index], shift, seam[0], above=index in (*range(49, 54), 61, 62, 63))
    return np.asarray(closed, np.float32), points


def _moved_row(point: FloatArray, shift: FloatArray, seam: FloatArray, *, above: bool) -> float:
    """The row whose source is ``point``'s, on its side of the seam."""
    column = round(float(point[0]))
    rows = np.arange(shift.shape[0], dtype=np.float32)
    side = rows <= seam[column] if above else rows >= seam[column]
    return float(np.interp(point[1], (rows + shift[:, column])[side], rows[side]))


def _through(points: FloatArray, columns: FloatArray) -> FloatArray:
    """Height of a smooth curve through ``points`` at each of ``columns``."""
    curve = np.interp(columns, points[:, 0], points[:, 1]).astype(np.float32)[None]
    return np.asarray(cv2.GaussianBlur(curve, (0, 0), 4.0)[0], np.float32)


def without_folds(image: FloatArray, folds: list[FloatArray]) -> FloatArray:
    """The face without the dark ``folds``, lines ``(n, 2)`` in px."""
    mask = np.zeros(image.shape[:2], np.uint8)
    for fold in folds:
        cv2.polylines(mask, [np.round(fold).astype(np.int32)], False, 255, 11)
    smooth = cv2.inpaint(np.clip(image, 0, 255).astype(np.uint8), mask, 9, cv2.INPAINT_TELEA)
    share = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 4.0)[..., None]
    return np.asarray(image * (1 - share) + share * smooth, np.float32)
