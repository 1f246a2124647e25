"""Catmull-Rom sampling against closed forms and an independent kernel."""

import numpy as np
import torch

from mer.flow.bicubic import pixel_positions, sample_bicubic, sample_with_slope
from tests.flow.plain_tvl1 import centred, sample

INNER = (..., slice(3, -3), slice(3, -3))


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_sampling_is_exact_on_pixels_and_on_lines() -> None:
    image = noise(1, 2, 9, 11).float()
    x, y = pixel_positions(image)
    assert torch.equal(sample_bicubic(image, x, y), image)
    ramp = (3 * x + 2 * y)[None].double()
    moved = sample_bicubic(ramp, x.double() + 0.3, y.double() - 0.4)
    torch.testing.assert_close(moved[INNER], (ramp + 0.9 - 0.8)[INNER])


def test_samples_are_those_of_the_kernel_inside_at_the_border_and_beyond() -> None:
    image, shifts = noise(2, 3, 9, 11), 6 * noise(2, 2, 9, 11) - 3
    x, y = pixel_positions(image)
    x, y = x + shifts[0], y + shifts[1]
    sampled = sample_bicubic(image, x, y)
    for row in range(2):
        at = x[row].clamp(0, 10).numpy(), y[row].clamp(0, 8).numpy()
        for channel in range(3):
            np.testing.assert_allclose(sampled[row, channel], sample(image[row, channel].numpy(), *at), atol=1e-12)


def test_slopes_are_central_differences_sampled_alike() -> None:
    image, shifts = noise(2, 14, 15), 4 * noise(2, 2, 14, 15) - 2
    x, y = pixel_positions(image)
    x, y = x + shifts[0], y + shifts[1]
    value, *slopes = sample_with_slope(image, x, y)
    torch.testing.assert_close(value, sample_bicubic(image[:, None], x, y)[:, 0], rtol=0, atol=1e-12)
    for axis, slope in zip((1, 0), slopes, strict=True):
        for row in range(2):
            at = x[row].clamp(0, 14).numpy(), y[row].clamp(0, 13).numpy()
            np.testing.assert_allclose(slope[row], sample(centred(image[row].numpy(), axis), *at), atol=1e-12)


def test_slopes_on_the_border_are_half_of_the_one_difference_there_is() -> None:
    image = noise(1, 5, 6)
    _, slope_x, slope_y = sample_with_slope(image, *(part.double() for part in pixel_positions(image)))
    torch.testing.assert_close(slope_x[0], torch.from_numpy(centred(image[0].numpy(), 1)))
    torch.testing.assert_close(slope_y[0], torch.from_numpy(centred(image[0].numpy(), 0)))
