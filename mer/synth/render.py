"""Frames from a neutral face and a flow."""

import cv2
import numpy as np
import numpy.typing as npt

from mer.synth.grid import pixel_grid
from mer.synth.portrait import FloatArray
from mer.synth.pose import inverted

OVERSAMPLING = 4  # so far enlarged, linear sampling moves by any fraction of a px and barely blurs
UNMOVED = np.eye(2, 3, dtype=np.float32)


def _sample(image: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    return np.asarray(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def source_positions(flow: FloatArray, tolerance_px: float = 1e-3) -> tuple[FloatArray, FloatArray]:
    """Where each px of the moved image comes from in the still one.

    Solves x(y) + flow(x(y)) = y by fixed-point iteration, which converges for a flow whose slope is below 1.

    Args:
        flow: ``(2, height, width)``, px, from the still image to the moved one on the still one's grid.
        tolerance_px: stop when no px moves further than this.

    Returns:
        x and y, each ``(height, width)``, px of the still image on the moved one's grid.
    """
    columns, rows = pixel_grid((flow.shape[1], flow.shape[2]))
    x, y = columns - flow[0], rows - flow[1]
    for _ in range(60):
        next_x, next_y = columns - _sample(flow[0], x, y), rows - _sample(flow[1], x, y)
        change = max(cv2.norm(next_x, x, cv2.NORM_INF), cv2.norm(next_y, y, cv2.NORM_INF))
        x, y = next_x, next_y
        if change < tolerance_px:
            break
    return x, y


def enlarge(neutral: FloatArray) -> FloatArray:
    """The canvas ``(height, width[, 3])`` enlarged ``OVERSAMPLING`` times, for ``warp_neutral``."""
    return np.asarray(
        cv2.resize(neutral, None, fx=OVERSAMPLING, fy=OVERSAMPLING, interpolation=cv2.INTER_CUBIC), np.float32
    )


def warp_neutral(enlarged: FloatArray, flow: FloatArray, affine: FloatArray = UNMOVED) -> FloatArray:
    """The neutral face in the frame, moved by ``flow``.

    Args:
        enlarged: from ``enlarge``.
        flow: ``(2, height, width)``, px of the frame.
        affine: ``(2, 3)``, px of the canvas to px of the frame.

    Returns:
        Grey levels 0 to 255, ``(height, width[, 3])``. Beyond the canvas it is reflected: there is only backdrop.
    """
    x, y = source_positions(flow)
    back = inverted(affine)
    # Pixel centres: canvas px 0 lies between the enlarged canvas's px 1 and 2.
    back[:, 2] += np.float32((OVERSAMPLING - 1) / (2 * OVERSAMPLING))
    back *= np.float32(OVERSAMPLING)
    from_x, from_y = (row[0] * x + row[1] * y + row[2] for row in back)
    sampled = cv2.remap(enlarged, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(sampled, np.float32)


def camera(image: FloatArray, noise_grey: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The image with independent noise of brightness in each px, rounded to 8 bits.

    Args:
        image: grey or BGR, 0 to 255, ``(height, width[, 3])``.
        noise_grey: standard deviation of the noise, grey levels of 255, the same in all three colours.
        rng: source of the noise.
    """
    noise = np.float32(noise_grey) * rng.standard_normal(image.shape[:2], np.float32)
    # convertScaleAbs would fold what falls below 0, so clip first; it then rounds to nearest.
    noisy = np.clip(image + (noise if image.ndim == 2 else noise[..., None]), 0, 255)
    return np.asarray(cv2.convertScaleAbs(noisy), np.uint8)


def encode_jpeg(image: npt.NDArray[np.uint8], quality: int) -> bytes:
    """The image as a JPEG file's bytes."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
