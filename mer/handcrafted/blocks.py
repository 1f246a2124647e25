"""A grid of blocks over an image."""

import numpy as np

from mer.errors import MerError, require_integer, require_number


def block_slices(size_px: tuple[int, ...], blocks: tuple[int, int], overlap: float = 0.0) -> list[tuple[slice, slice]]:
    """Rows and columns of each block, row by row; without overlap they part the image, sizes differing by 1 px at most.

    Args:
        size_px: (height, width) of the image.
        blocks: (rows, columns) of the grid.
        overlap: share of a block that the next one covers too, in [0, 1).

    Raises:
        MerError: a block would be empty, or a setting is out of bounds.
    """
    overlap = require_number("overlap", overlap, 0, 0.99)
    rows, columns = (_edges(size, count, overlap) for size, count in zip(size_px, blocks, strict=True))
    return [(row, column) for row in rows for column in columns]


def _edges(size: int, count: int, overlap: float) -> list[slice]:
    require_integer("each of blocks", count, 1, 1000)
    if size < count:
        raise MerError(f"{count} px or more for {count} blocks", f"{size}", "use larger crops or fewer blocks")
    length = size / (count - (count - 1) * overlap)
    starts = np.arange(count) * length * (1 - overlap)
    # Rounded half up, so that one block's end is the next one's start.
    return [slice(int(start + 0.5), max(int(start + length + 0.5), int(start + 0.5) + 1)) for start in starts]
