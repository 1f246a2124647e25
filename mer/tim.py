"""Temporal interpolation (TIM): a clip of any length as one of a fixed number of frames."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError, require_integer

_AT_ONCE = 16  # frames that are summed in one product


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
    if clip.ndim != 3:
        raise MerError("a clip (T, H, W) of two frames or more", f"{clip.shape}", "leave temporal interpolation out")
    weights = interpolation_weights(len(clip), n_frames)
    return np.asarray(weights @ clip.reshape(len(clip), -1)).reshape(n_frames, *clip.shape[1:])


def interpolated_frames(frames: Iterable[NDArray[np.uint8]], length: int, n_frames: int) -> NDArray[np.uint8]:
    """The ``length`` frames of an iterable, of any one shape, as ``n_frames``, a few in memory at a time.

    Values are rounded, and those beyond 0 or 255 cut off: between frames the curve can leave their range.

    Raises:
        MerError: as :func:`temporal_interpolation`.
    """
    weights, source = interpolation_weights(length, n_frames), iter(frames)
    total: NDArray[np.float64] | float = 0.0
    for start in range(0, length, _AT_ONCE):
        part = np.stack(list(islice(source, _AT_ONCE)))
        total = total + np.tensordot(weights[:, start : start + len(part)], part.astype(np.float64), axes=1)
    return np.asarray(np.rint(total).clip(0, 255), np.uint8)


@lru_cache(64)
def interpolation_weights(length: int, n_frames: int) -> NDArray[np.float64]:
    """Weights ``(n_frames, length)`` of the frames in each new one; each row has the sum 1.

    Raises:
        MerError: as :func:`temporal_interpolation`.
    """
    require_integer("frames", n_frames, 2, 10_000)
    if length < 2:
        raise MerError("a clip of two frames or more", f"{length}", "leave the clip out")
    known = _curve(np.arange(1, length + 1) / length, length)
    wanted = _curve(1 / length + np.linspace(0, 1, n_frames) * (1 - 1 / length), length)
    # Frames minus their mean are orthogonal to the constant, as the curve's components are: no column is lost.
    of_differences = wanted @ np.linalg.pinv(known)
    return np.asarray(of_differences + (1 - of_differences.sum(axis=1, keepdims=True)) / length)


def _curve(times: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """``y_k(t)`` of all times and k: ``(len(times), length - 1)``."""
    orders = np.arange(1, length)
    return np.sin(np.pi * orders * times[:, None] + np.pi * (length - orders) / (2 * length))
