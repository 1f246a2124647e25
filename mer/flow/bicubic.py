"""Bicubic sampling at arbitrary positions, exact where a position is a pixel.

``grid_sample`` normalises positions and so misses a pixel by a rounding error, enough to give two identical images a
flow that is not 0.
"""

import torch
from torch import Tensor


def sample_bicubic(images: Tensor, x_px: Tensor, y_px: Tensor) -> Tensor:
    """Sample ``(B, C, H, W)`` at positions ``(B, H', W')`` in px by Catmull-Rom splines, the border pixel repeated.

    Returns:
        ``(B, C, H', W')``.
    """
    height, width = images.shape[-2:]
    left, top = x_px.floor(), y_px.floor()
    columns = [(left.long() + tap).clamp(0, width - 1) for tap in range(-1, 3)]
    rows = [(top.long() + tap).clamp(0, height - 1) for tap in range(-1, 3)]
    flat = images.flatten(2)
    result = images.new_zeros(*images.shape[:2], *x_px.shape[1:])
    for row, weight_y in zip(rows, _weights(y_px - top), strict=True):
        for column, weight_x in zip(columns, _weights(x_px - left), strict=True):
            index = (row * width + column).flatten(1)[:, None].expand(-1, images.shape[1], -1)
            result += flat.gather(2, index).view_as(result) * (weight_y * weight_x)[:, None]
    return result


def pixel_positions(images: Tensor) -> tuple[Tensor, Tensor]:
    """Columns and rows, x and y, of every pixel of ``(B, C, H, W)``, each ``(1, H, W)``."""
    height, width = images.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=images.device, dtype=images.dtype),
        torch.arange(width, device=images.device, dtype=images.dtype),
        indexing="ij",
    )
    return x[None], y[None]


def _weights(part: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    square, cube = part**2, part**3
    return (
        square - (cube + part) / 2,
        1 - 2.5 * square + 1.5 * cube,
        2 * square + (part - 3 * cube) / 2,
        (cube - square) / 2,
    )
