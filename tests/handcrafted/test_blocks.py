"""A grid of blocks over an image."""

import numpy as np
import pytest

from mer.handcrafted.blocks import block_slices


@pytest.mark.parametrize(
    ("size", "blocks"), [((20, 20), (5, 5)), ((17, 23), (5, 4)), ((7, 7), (7, 1)), ((170, 140), (8, 8))]
)
def test_blocks_part_the_image_evenly(size: tuple[int, int], blocks: tuple[int, int]) -> None:
    counts, sizes = np.zeros(size, int), []
    for rows, columns in block_slices(size, blocks):
        counts[rows, columns] += 1
        sizes.append((rows.stop - rows.start, columns.stop - columns.start))
    assert (counts == 1).all()
    assert len(sizes) == blocks[0] * blocks[1]
    assert np.ptp(np.array(sizes), axis=0).max() <= 1


def test_overlapping_blocks_share_what_was_asked_for() -> None:
    slices = block_slices((170, 100), (3, 1), overlap=0.5)
    assert [(rows.start, rows.stop) for rows, _ in slices] == [(0, 85), (43, 128), (85, 170)]


def test_blocks_come_row_by_row() -> None:
    assert [(rows.start, columns.start) for rows, columns in block_slices((4, 4), (2, 2))] == [
        (0, 0),
        (0, 2),
        (2, 0),
        (2, 2),
    ]
