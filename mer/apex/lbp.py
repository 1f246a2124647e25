"""Uniform local binary patterns with 8 neighbours at radius 1, on many images at once."""

import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError

N_PATTERNS = 59
_ALL_CODES = 256
_NEIGHBOURS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))  # (row, column), anticlockwise
_R = 2**-0.5  # both coordinates of a neighbour on the diagonal


def lbp_codes(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Codes of the inner px of ``(..., H, W)`` grey images: ``(..., H - 2, W - 2)`` uint8.

    ``code = sum_p [g_p >= g_c] 2^p``, neighbour p at ``(x + cos(2 pi p / 8), y - sin(2 pi p / 8))``, between px by
    bilinear interpolation: for the diagonals, ``g_p - g_c = r (1 - r) (d_x + d_y) + r^2 d_xy`` with ``r = sqrt(1/2)``
    and d the differences of the px beside, above or below, and across the corner to the centre. As a function of
    differences alone it does not change when a constant is added to an image.

    Source: Ojala, Pietikainen and Maenpaa, TPAMI 24(7), 2002, doi 10.1109/TPAMI.2002.1017623.

    Raises:
        MerError: the images are not uint8, or smaller than 3x3.
    """
    if grey.dtype != np.uint8 or grey.ndim < 2 or min(grey.shape[-2:]) < 3:
        raise MerError("grey uint8 images of 3x3 px or more", f"{grey.dtype} {grey.shape}", "use a larger region")
    centre = grey[..., 1:-1, 1:-1].astype(np.int16)
    differences = {step: _moved(grey, *step) - centre for step in _NEIGHBOURS}
    codes = np.zeros(centre.shape, np.uint8)
    for bit, (down, right) in enumerate(_NEIGHBOURS):
        ahead = differences[down, right]
        if down and right:  # the factor r is left out: the sign alone counts
            beside = differences[down, 0] + differences[0, right]
            ahead = np.float32(1 - _R) * beside + np.float32(_R) * ahead
        codes |= (ahead >= 0).astype(np.uint8) << bit
    return codes


def uniform_histograms(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Histograms of the uniform patterns of ``(N, H, W)`` codes: ``(N, 59)``, each of sum 1."""
    labels = UNIFORM[codes].reshape(len(codes), -1).astype(np.int64)
    labels += N_PATTERNS * np.arange(len(codes))[:, None]
    counts = np.bincount(labels.ravel(), minlength=N_PATTERNS * len(codes))
    return counts.reshape(len(codes), N_PATTERNS) / labels.shape[1]


def _moved(grey: NDArray[np.uint8], down: int, right: int) -> NDArray[np.int16]:
    height, width = grey.shape[-2:]
    return grey[..., 1 + down : height - 1 + down, 1 + right : width - 1 + right].astype(np.int16)


def _uniform_table() -> NDArray[np.uint8]:
    """Pattern of each code ``(256,)``: the 58 codes of two circular changes or fewer in order, 58 for all others."""
    bits = np.unpackbits(np.arange(_ALL_CODES, dtype=np.uint8)[:, None], axis=1)
    uniform = (bits != np.roll(bits, 1, axis=1)).sum(axis=1) <= 2
    return np.where(uniform, np.cumsum(uniform) - 1, N_PATTERNS - 1).astype(np.uint8)


UNIFORM = _uniform_table()
