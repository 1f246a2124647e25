"""Temporal interpolation (TIM): a clip of any length as one of a fixed number of frames."""

import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError, require_integer


def temporal_interpolation(clip: NDArray[np.uint8], n_frames: int) -> NDArray[np.float64]:
    """Sample a clip ``(T, H, W)`` at ``n_frames`` places along the curve its frames lie on: ``(n_frames, H, W)``.

    The frames are taken as a path graph; its Laplacian's eigenvectors ``y_k(t) = sin(pi k t + pi (T - k) / (2 T))``,
    k = 1 .. T - 1, continue between the frames at t = 1/T, 2/T .. 1, and a linear map carries them to images. Frame i
    is sampled at ``t_i = 1/T + i / (n_frames - 1) (1 - 1/T)``: the first and last frames stay as they are.
    The paper finds that map by an SVD of the frames, which have to be linearly independent. But as it is exact at the
    frames, each new frame is a sum of the old ones whose weights depend on T alone; so computed, frames may be equal.

    Source: Zhou, Zhao and Pietikainen, CVPR 2011, doi 10.1109/CVPR.2011.5995345.

    Raises:
        MerError: fewer than two frames, or fewer than two asked for.
    """
    require_integer("n_frames", n_frames, 2, 10_000)
    if clip.ndim != 3 or len(clip) < 2:
        raise MerError("a clip (T, H, W) of two frames or more", f"{clip.shape}", "leave temporal interpolation out")
    length = len(clip)
    vectors = clip.reshape(length, -1).astype(np.float64)
    mean = vectors.mean(axis=0)
    known = _curve(np.arange(1, length + 1) / length, length)
    wanted = _curve(1 / length + np.linspace(0, 1, n_frames) * (1 - 1 / length), length)
    # Frames minus their mean are orthogonal to the constant, as the curve's components are: no column is lost.
    weights = wanted @ np.linalg.pinv(known)
    return np.asarray(weights @ (vectors - mean) + mean).reshape(n_frames, *clip.shape[1:])


def _curve(times: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """``y_k(t)`` of all times and k: ``(len(times), length - 1)``."""
    orders = np.arange(1, length)
    return np.sin(np.pi * orders * times[:, None] + np.pi * (length - orders) / (2 * length))
