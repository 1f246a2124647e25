"""TV-L1 as IPOL 3 (2013), doi 10.5201/ipol.2013.26, has it, in plain NumPy, one pair at a time, in double precision."""

import math

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

Image = npt.NDArray[np.float64]
TAU, LAMBDA, THETA, WARPS, EPSILON, MOST = 0.25, 0.15, 0.3, 5, 0.01, 300
LOOK_EVERY = 10  # not in the paper, which looks after every iteration


def keys_kernel(distance: Image) -> Image:
    """Keys, IEEE TASSP 29(6), 1981, with a = -1/2."""
    far = np.abs(distance)
    near = 1.5 * far**3 - 2.5 * far**2 + 1
    away = -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
    return np.where(far <= 1, near, np.where(far < 2, away, 0))


def sample(image: Image, x: Image, y: Image) -> Image:
    height, width = image.shape
    result = np.zeros_like(x)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for row in range(-1, 3):
        for column in range(-1, 3):
            picked = image[np.clip(top + row, 0, height - 1), np.clip(left + column, 0, width - 1)]
            result += picked * keys_kernel(x - left - column) * keys_kernel(y - top - row)
    return result


def warp(image: Image, u: Image, v: Image) -> Image:
    rows, columns = np.indices(image.shape)
    x, y = columns + u, rows + v
    inside = (x >= 0) & (x <= image.shape[1] - 1) & (y >= 0) & (y <= image.shape[0] - 1)
    return np.where(inside, sample(image, np.clip(x, 0, image.shape[1] - 1), np.clip(y, 0, image.shape[0] - 1)), 0)


def centred(image: Image, axis: int) -> Image:
    padded = np.pad(image, 1, mode="edge")
    inner = [slice(1, -1)] * 2
    ahead, behind = inner.copy(), inner.copy()
    ahead[axis], behind[axis] = slice(2, None), slice(None, -2)
    return (padded[tuple(ahead)] - padded[tuple(behind)]) / 2


def forward_gradient(field: Image) -> Image:
    """Along x, then y; 0 at the far border."""
    gradient = np.zeros((2, *field.shape))
    gradient[0, :, :-1] = np.diff(field, axis=1)
    gradient[1, :-1] = np.diff(field, axis=0)
    return gradient


def divergence(dual: Image) -> Image:
    """Backward differences, as the negative adjoint of ``forward_gradient`` has them at the borders."""
    along_x, along_y = dual.copy()
    along_x[:, -1], along_y[-1] = 0, 0
    return np.diff(along_x, axis=1, prepend=0) + np.diff(along_y, axis=0, prepend=0)


def inner_loop(
    u: Image, v: Image, duals: list[Image], constant: Image, slope: tuple[Image, Image]
) -> tuple[Image, ...]:
    energy = slope[0] ** 2 + slope[1] ** 2
    for iteration in range(1, MOST + 1):
        residual = constant + slope[0] * u + slope[1] * v
        bound = LAMBDA * THETA
        toward = np.where(energy < 1e-10, 0, -residual / np.maximum(energy, 1e-10))
        scale = np.where(residual < -bound * energy, bound, np.where(residual > bound * energy, -bound, toward))
        before = u, v
        u, v = (
            old + scale * part + THETA * divergence(dual) for old, part, dual in zip(before, slope, duals, strict=True)
        )
        for number, field in enumerate((u, v)):
            gradient = forward_gradient(field)
            duals[number] = (duals[number] + TAU / THETA * gradient) / (
                1 + TAU / THETA * np.sqrt((gradient**2).sum(axis=0))
            )
        update = ((u - before[0]) ** 2 + (v - before[1]) ** 2).mean()
        if iteration % LOOK_EVERY == 0 and update <= EPSILON**2:
            break
    return u, v


def blurred(image: Image, sigma_px: float) -> Image:
    return np.asarray(gaussian_filter(image, sigma_px, mode="mirror", truncate=5))


def plain_tvl1(first: Image, second: Image) -> Image:
    """Flow ``(2, height, width)`` of two grey images ``(height, width)``."""
    low, high = min(first.min(), second.min()), max(first.max(), second.max())
    levels = [
        tuple(
            gaussian_filter((image - low) / (high - low) * 255, 0.8, mode="mirror", truncate=5)
            for image in (first, second)
        )
    ]
    for _ in range(int(math.log2(math.hypot(*first.shape) / 16))):
        levels.append(
            tuple(
                gaussian_filter(image, 0.6 * math.sqrt(3), mode="mirror", truncate=5)[::2, ::2] for image in levels[-1]
            )
        )
    u = v = np.zeros_like(levels[-1][0])
    for one, two in reversed(levels):
        if u.shape != one.shape:
            rows, columns = np.indices(one.shape)
            x, y = columns * u.shape[1] / one.shape[1], rows * u.shape[0] / one.shape[0]
            u, v = 2 * sample(u, x, y), 2 * sample(v, x, y)
        duals = [np.zeros((2, *one.shape)), np.zeros((2, *one.shape))]
        for _ in range(WARPS):
            image, slope = warp(two, u, v), (warp(centred(two, 1), u, v), warp(centred(two, 0), u, v))
            u, v = inner_loop(u, v, duals, image - slope[0] * u - slope[1] * v - one, slope)
    return np.stack([u, v])
