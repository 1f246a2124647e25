"""When things move: intensities over the frames of a clip, each 0 at onset."""

import numpy as np

from mer.synth.portrait import FloatArray


def expression_profile(frames: int, apex: int, rng: np.random.Generator, before: int = 0, after: int = 0) -> FloatArray:
    """Intensity of the expression: 0 up to onset, rising smoothly to 1 at the apex, then fading.

    Args:
        frames: frames from onset to offset, both included.
        apex: the apex, counted from onset.
        rng: source of the course.
        before: frames before onset.
        after: frames after offset.

    Returns:
        ``(before + frames + after,)``.
    """
    index = np.arange(-before, frames + after)
    phase = np.where(index <= apex, index / apex, (frames - 1 - index) / (frames - 1 - apex)).clip(0, 1)
    smooth = (phase**2 * (3 - 2 * phase)) ** rng.uniform(0.8, 1.3)
    left_at_offset = rng.uniform(0.0, 0.3)
    fading = left_at_offset + (1 - left_at_offset) * smooth
    return np.asarray(np.where(index <= apex, smooth, fading), np.float32)


def bump_profile(frames: int, rng: np.random.Generator, before: int = 0, after: int = 0) -> FloatArray:
    """A movement that comes and goes at a time of its own, 0 at onset, at most 1 from onset to offset."""
    time = np.arange(-before, frames + after) / (frames - 1)
    bump = np.exp(-0.5 * ((time - rng.uniform(0.2, 0.8)) / rng.uniform(0.12, 0.25)) ** 2)
    bump = bump - bump[before]
    return np.asarray(bump / np.abs(bump[before : before + frames]).max(), np.float32)


def drift_profile(frames: int, axes: int, rng: np.random.Generator, before: int = 0, after: int = 0) -> FloatArray:
    """Slow wander, ``(before + frames + after, axes)``, 0 at onset, at most 1 away from there up to offset."""
    time = (np.arange(-before, frames + after) / (frames - 1))[:, None]
    wander = rng.normal(0, 1, axes) * time + rng.normal(0, 0.4, axes) * np.sin(np.pi * time)
    largest = np.linalg.norm(wander[before : before + frames], axis=1).max()
    return np.asarray(wander / largest, np.float32)
