"""Bicubic sampling at arbitrary positions, exact where a position is a pixel.

``grid_sample`` normalises positions and so misses a pixel by a rounding error, enough to give two identical images a
flow that is not 0; and its kernel, a = -0.75, does not reproduce a ramp.
"""

from collections.abc import Iterable, Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

_BEFORE, _AFTER = 2, 3  # px around the one a position lies in that a spline of central differences reaches


def sample_bicubic(
    images: Float[Tensor, "batch channel height width"],
    x_px: Float[Tensor, "batch rows columns"],
    y_px: Float[Tensor, "batch rows columns"],
) -> Float[Tensor, "batch channel rows columns"]:
    """Sample at positions in px by Catmull-Rom splines, the border pixel repeated."""
    planes = []
    for image in images.unbind(1):
        rows, part_x, part_y = _around(image, x_px, y_px, dict.fromkeys(range(-1, 3), range(-1, 3)))
        along = _weights(part_x)
        planes.append(_weighted([_weighted(list(row.values()), along) for row in rows.values()], _weights(part_y)))
    return torch.stack(planes, dim=1)


def sample_with_slope(
    image: Float[Tensor, "batch height width"],
    x_px: Float[Tensor, "batch rows columns"],
    y_px: Float[Tensor, "batch rows columns"],
) -> tuple[
    Float[Tensor, "batch rows columns"], Float[Tensor, "batch rows columns"], Float[Tensor, "batch rows columns"]
]:
    """The image and its central differences along x and y, at the border half of the one there is, each sampled so.

    A spline of differences has the same weights as a difference of splines, so all three share their pixels.
    """
    near, wide = range(-1, 3), range(-2, 4)
    rows, part_x, part_y = _around(image, x_px, y_px, {row: wide if row in near else near for row in wide})
    along, down = _weights(part_x), _weights(part_y)
    values = [_weighted([row[tap] for tap in near], along) for row in rows.values()]
    slopes = [_weighted(list(rows[row].values()), _differences(along)) for row in near]
    return _weighted(values[1:-1], down), _weighted(slopes, down), _weighted(values, _differences(down))


def pixel_positions(images: Tensor) -> tuple[Tensor, Tensor]:
    """Columns and rows, x and y, of every pixel of ``(B, C, H, W)``, each ``(1, H, W)``."""
    height, width = images.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=images.device, dtype=images.dtype),
        torch.arange(width, device=images.device, dtype=images.dtype),
        indexing="ij",
    )
    return x[None], y[None]


def _around(
    image: Tensor, x_px: Tensor, y_px: Tensor, taps: Mapping[int, Iterable[int]]
) -> tuple[dict[int, dict[int, Tensor]], Tensor, Tensor]:
    """The pixels around each position, by row and column from the one it lies in, and where in that one it lies."""
    height, width = image.shape[-2:]
    x, y = x_px.clamp(0, width - 1), y_px.clamp(0, height - 1)
    left, top = x.floor(), y.floor()
    padded = _padded(image).flatten(1)
    stride = width + _BEFORE + _AFTER
    corner = (top.long() * stride + left.long()).flatten(1)
    # One index for all taps: what moves is where the source begins.
    rows = {
        row: {
            column: padded[:, (row + _BEFORE) * stride + column + _BEFORE :].gather(1, corner).view_as(x)
            for column in columns
        }
        for row, columns in taps.items()
    }
    return rows, x - left, y - top


def _padded(image: Tensor) -> Tensor:
    """The border pixel repeated once, then such values that the central difference at the border is repeated too."""
    padded = F.pad(image[:, None], (_BEFORE, _AFTER, _BEFORE, _AFTER), mode="replicate")[:, 0]
    for lines in (padded.unbind(1), padded.unbind(2)):
        lines[0].copy_(2 * lines[2] - lines[3])
        lines[-2].copy_(2 * lines[-4] - lines[-5])
    return padded


def _weighted(taps: list[Tensor], weights: tuple[Tensor, ...]) -> Tensor:
    result = taps[0] * weights[0]
    for tap, weight in zip(taps[1:], weights[1:], strict=True):
        result.addcmul_(tap, weight)
    return result


def _weights(part: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    square, cube = part**2, part**3
    return (
        square - (cube + part) / 2,
        1 - 2.5 * square + 1.5 * cube,
        2 * square + (part - 3 * cube) / 2,
        (cube - square) / 2,
    )


def _differences(weights: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Weights of six pixels that sample their central differences as ``weights`` sample four pixels."""
    first, second, third, last = (weight / 2 for weight in weights)
    return -first, -second, first - third, second - last, third, last
