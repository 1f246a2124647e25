"""Correlation: loops, closed forms, and what a shift does."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mer.flow.flownet2.correlation import correlate
from tests.flow.flownet2.reference import correlation

CENTRE = 220
ROW = 21


def maps(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (3, 26), (24, 4), (5, 7), (1, 1)])
def test_it_is_the_sum_over_channels_cell_by_cell(height: int, width: int) -> None:
    first, second = maps(2, 5, height, width), maps(2, 5, height, width, seed=1)
    found = correlate(first, second)
    for row in range(2):
        expected = correlation(first[row].double().numpy(), second[row].double().numpy())
        np.testing.assert_allclose(found[row], expected, rtol=0, atol=1e-6)


def test_centre_channel_of_maps_with_themselves_is_their_mean_square() -> None:
    first = maps(2, 32, 9, 12)
    torch.testing.assert_close(correlate(first, first)[:, CENTRE], first.square().mean(1))


@pytest.mark.parametrize(("down", "right"), [(0, 2), (0, -2), (2, 0), (-2, 0), (4, -6), (20, 20), (-20, 18)])
def test_shift_by_two_cells_moves_the_peak_by_one_channel_along_x_and_by_21_along_y(down: int, right: int) -> None:
    first = maps(1, 64, 48, 48)
    moved = torch.roll(first, (down, right), (2, 3))
    peak = correlate(first, moved)[0, :, 20:28, 20:28].argmax(0)
    assert torch.equal(peak, torch.full_like(peak, CENTRE + ROW * down // 2 + right // 2))


def test_outside_the_borders_counts_as_zero() -> None:
    ones = torch.ones(1, 4, 6, 6)
    found = correlate(ones, ones)[0].unflatten(0, (ROW, ROW))
    assert found[:, :, 0, 0].sum() == 9  # shifts by 0, 2 and 4 cells, right and down
    assert found[:10, :, 0, 0].sum() == 0


def test_half_type_is_kept() -> None:
    first, second = maps(1, 64, 8, 8), maps(1, 64, 8, 8, seed=1)
    found = correlate(first.bfloat16(), second.bfloat16())
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), correlate(first, second), rtol=0.02, atol=0.01)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_gives_what_the_cpu_gives() -> None:
    first, second = maps(2, 256, 16, 12), maps(2, 256, 16, 12, seed=1)
    torch.testing.assert_close(
        correlate(first.cuda(), second.cuda()).cpu(), correlate(first, second), atol=1e-3, rtol=0
    )
