"""Temporal interpolation against the paper's own way, and at the frames."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mer.errors import MerError
from mer.tim import temporal_interpolation


def clip_of(length: int) -> NDArray[np.uint8]:
    return np.random.default_rng(length).integers(0, 256, (length, 9, 8), dtype=np.uint8)


def papers_way(clip: NDArray[np.uint8], n_frames: int) -> NDArray[np.float64]:
    """Zhou et al., 2011: the SVD of the frames, and the map from curve to frames solved for."""
    length = len(clip)
    columns = clip.reshape(length, -1).T.astype(float)
    mean = columns.mean(axis=1, keepdims=True)
    u, s, vt = np.linalg.svd(columns - mean, full_matrices=False)
    u, q = u[:, : length - 1], s[: length - 1, None] * vt[: length - 1]
    orders = np.arange(1, length)

    def curve(t: float) -> NDArray[np.float64]:
        return np.sin(np.pi * orders * t + np.pi * (length - orders) / (2 * length))

    eigenvectors = np.stack([curve(i / length) for i in range(1, length + 1)])
    eigenvectors = eigenvectors / np.linalg.norm(eigenvectors, axis=0)
    w = np.linalg.solve(q @ q.T, q @ eigenvectors)
    m = (q[:, 0] @ w) / curve(1 / length)
    times = [1 / length + i / (n_frames - 1) * (1 - 1 / length) for i in range(n_frames)]
    frames = [u @ np.linalg.solve(w.T, m * curve(t)) + mean[:, 0] for t in times]
    return np.stack(frames).reshape(n_frames, *clip.shape[1:])


@pytest.mark.parametrize(("length", "n_frames"), [(2, 10), (5, 10), (17, 10), (12, 12), (9, 30)])
def test_frames_are_those_of_the_papers_svd(length: int, n_frames: int) -> None:
    clip = clip_of(length)
    np.testing.assert_allclose(temporal_interpolation(clip, n_frames), papers_way(clip, n_frames), atol=1e-6)


def test_as_many_frames_as_there_are_give_the_clip_back() -> None:
    np.testing.assert_allclose(temporal_interpolation(clip_of(13), 13), clip_of(13), atol=1e-8)


def test_first_and_last_frame_stay() -> None:
    new = temporal_interpolation(clip_of(7), 20)
    np.testing.assert_allclose(new[[0, -1]], clip_of(7)[[0, -1]], atol=1e-8)


def test_equal_frames_give_equal_frames_back() -> None:
    clip = np.repeat(clip_of(5)[:1], 6, axis=0)
    np.testing.assert_allclose(temporal_interpolation(clip, 9), np.repeat(clip[:1], 9, axis=0), atol=1e-8)


@pytest.mark.parametrize(
    ("clip", "n_frames", "message"), [(clip_of(1), 5, "two frames"), (clip_of(4), 1, "frames to be a number")]
)
def test_too_few_frames_are_refused(clip: NDArray[np.uint8], n_frames: int, message: str) -> None:
    with pytest.raises(MerError, match=message):
        temporal_interpolation(clip, n_frames)
