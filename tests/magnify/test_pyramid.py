"""The Laplacian pyramid against explicit loops in numpy."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from mer.errors import MerError
from mer.magnify import amplify, collapse, laplacian_pyramid, n_levels

SIZES = [(5, 5), (7, 9), (13, 31), (33, 18), (57, 41), (64, 64), (65, 18), (71, 90)]
BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256


def images(height: int, width: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(height * 100 + width)
    return torch.rand(2, 3, height, width, dtype=dtype, generator=generator)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-10)])
def test_collapse_gives_the_image_back(height: int, width: int, dtype: torch.dtype, tolerance: float) -> None:
    image = images(height, width, dtype)
    back = collapse(laplacian_pyramid(image))
    assert back.dtype == dtype
    assert (back - image).abs().max() < tolerance


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_each_level_keeps_half_the_samples_rounded_up(height: int, width: int) -> None:
    for number, level in enumerate(laplacian_pyramid(images(height, width))):
        expected = (math.ceil(height / 2**number), math.ceil(width / 2**number))
        assert level.shape == (2, 3, *expected)


@pytest.mark.parametrize(
    ("height", "width", "levels"), [(528, 592, 8), (170, 140, 6), (96, 80, 6), (5, 500, 2), (9, 9, 2), (10, 10, 3)]
)
def test_number_of_levels_counts_halvings_rounded_down(height: int, width: int, levels: int) -> None:
    assert n_levels(height, width) == levels
    assert n_levels(width, height) == levels


@pytest.mark.parametrize(("height", "width"), [(4, 40), (40, 4), (1, 1)])
def test_image_smaller_than_the_filter_is_refused(height: int, width: int) -> None:
    with pytest.raises(MerError, match=f"{height}x{width}"):
        laplacian_pyramid(images(height, width))


@pytest.mark.parametrize(("height", "width"), [(11, 7), (10, 13), (66, 13), (14, 67)])
def test_levels_equal_explicit_loops(height: int, width: int) -> None:
    image = images(height, width)[0, 0].numpy()
    ours = laplacian_pyramid(torch.from_numpy(image)[None, None])
    reference = _pyramid_by_loops(image)
    assert len(ours) == len(reference)
    for level, expected in zip(ours, reference, strict=True):
        np.testing.assert_allclose(level[0, 0].numpy(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_constant_image_lives_in_the_residual_alone(height: int, width: int) -> None:
    *details, residual = laplacian_pyramid(torch.full((1, 1, height, width), 0.7, dtype=torch.float64))
    assert max(level.abs().max().item() for level in details) < 1e-12
    torch.testing.assert_close(residual, torch.full_like(residual, 0.7), rtol=0, atol=1e-12)


@pytest.mark.parametrize("gains", [[2.0, 3.0, 4.0, 5.0, 1.0], [0.0, 0.0, 4.0, 5.0, 0.0], [0.0] * 5])
def test_amplified_levels_are_mixed_and_added(gains: list[float]) -> None:
    bands, onto, mix = images(71, 90), images(90, 71).transpose(2, 3), torch.rand(3, 3, dtype=torch.float64)
    before = onto.clone()
    amplified = collapse([gain * level for gain, level in zip(gains, laplacian_pyramid(bands), strict=True)])
    expected = onto + torch.einsum("dc,bchw->bdhw", mix, amplified)
    torch.testing.assert_close(amplify(bands, gains, mix, onto), expected, rtol=0, atol=1e-12)
    assert torch.equal(onto, before)


@pytest.mark.parametrize(("height", "width"), [(12, 9), (66, 7)])
def test_amplifying_is_differentiable(height: int, width: int) -> None:
    bands = images(height, width)[:1, :1].requires_grad_()
    onto = images(height, width)[1:, 1:2].requires_grad_()
    gains = [0.5, *[2.0] * (n_levels(height, width) - 1)]
    assert torch.autograd.gradcheck(lambda band, image: amplify(band, gains, None, image), (bands, onto))


def test_pyramid_is_linear() -> None:
    one, two = images(21, 17), images(17, 21).transpose(2, 3)
    mixed = laplacian_pyramid(2 * one - 3 * two)
    for level, first, second in zip(mixed, laplacian_pyramid(one), laplacian_pyramid(two), strict=True):
        torch.testing.assert_close(level, 2 * first - 3 * second, rtol=0, atol=1e-12)


def _pyramid_by_loops(image: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    if n_levels(*image.shape) == 1:
        return [image]
    levels = []
    for _ in range(n_levels(*image.shape) - 1):
        low = _convolve(image)[::2, ::2]
        zeros = np.zeros_like(image)
        zeros[::2, ::2] = 4 * low
        levels.append(image - _convolve(zeros))
        image = low
    return [*levels, image]


def _convolve(image: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = np.pad(image, 2, mode="reflect")
    out = np.zeros_like(image)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            out[row, column] = (padded[row : row + 5, column : column + 5] * BINOMIAL).sum()
    return out
