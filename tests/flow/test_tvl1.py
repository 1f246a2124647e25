"""TV-L1 flow: closed forms, known motion, and independence of the batch."""

import math

import pytest
import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from mer.errors import MerError
from mer.flow import TVL1Flow, build_flow
from mer.flow.bicubic import pixel_positions, sample_bicubic
from mer.flow.tvl1 import divergence, forward_gradient

INNER = slice(12, -12)


def texture(seed: int = 0, height: int = 72, width: int = 81) -> Tensor:
    noise = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(seed))
    smooth = gaussian_blur2d(noise, (13, 13), (2.0, 2.0))
    return (smooth - smooth.min()) / (smooth.max() - smooth.min())


def moved(image: Tensor, u_px: float, v_px: float) -> Tensor:
    x, y = pixel_positions(image)
    return sample_bicubic(image, x - u_px, y - v_px)


def median_error_px(flow: Tensor, u_px: float, v_px: float) -> float:
    truth = torch.tensor([u_px, v_px])[None, :, None, None]
    return float((flow - truth).norm(dim=1)[:, INNER, INNER].median())


def test_identical_images_have_exactly_no_flow() -> None:
    images = torch.rand(2, 3, 40, 33, generator=torch.Generator().manual_seed(1))
    assert torch.equal(build_flow("tvl1")(images, images), torch.zeros(2, 2, 40, 33))


def test_constant_images_have_no_flow() -> None:
    assert TVL1Flow()(torch.full((1, 1, 20, 20), 0.2), torch.full((1, 1, 20, 20), 0.9)).abs().max() == 0


@pytest.mark.parametrize(("u_px", "v_px"), [(0.3, -0.2), (-1.4, 0.7), (5.2, -3.1)])
def test_translation_is_recovered_with_u_right_and_v_down(u_px: float, v_px: float) -> None:
    image = texture()
    assert median_error_px(TVL1Flow()(image, moved(image, u_px, v_px)), u_px, v_px) < 0.05


def test_zoom_is_recovered() -> None:
    image = texture(3)
    x, y = pixel_positions(image)
    centre_x, centre_y = (image.shape[3] - 1) / 2, (image.shape[2] - 1) / 2
    scale = 1.02
    second = sample_bicubic(image, centre_x + (x - centre_x) / scale, centre_y + (y - centre_y) / scale)
    truth = torch.cat([x - centre_x, y - centre_y])[None] * (scale - 1)
    error = (TVL1Flow()(image, second) - truth).norm(dim=1)[:, INNER, INNER]
    assert float(error.median()) < 0.05


def test_swapped_images_give_the_opposite_flow() -> None:
    image = texture(4)
    second = moved(image, 0.8, -0.5)
    there, back = TVL1Flow()(image, second), TVL1Flow()(second, image)
    assert float((there + back)[..., INNER, INNER].abs().median()) < 0.05


def test_brightness_and_contrast_of_a_pair_do_not_matter() -> None:
    image = texture(5)
    second = moved(image, 0.6, 0.4)
    assert torch.allclose(TVL1Flow()(image, second), TVL1Flow()(0.3 * image + 0.5, 0.3 * second + 0.5), atol=0.02)


def test_pair_does_not_depend_on_those_beside_it() -> None:
    pairs = [(texture(seed), moved(texture(seed), 0.4 * seed, 0.2)) for seed in (1, 6)]
    flow = TVL1Flow()
    together = flow(torch.cat([pair[0] for pair in pairs]), torch.cat([pair[1] for pair in pairs]))
    for row, (first, second) in enumerate(pairs):
        assert torch.allclose(together[row : row + 1], flow(first, second), atol=1e-4)


def test_divergence_is_the_negative_adjoint_of_the_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 2, 7, 9, dtype=torch.float64, generator=generator)
    fields = torch.randn(2, 2, 2, 7, 9, dtype=torch.float64, generator=generator)
    left, right = (forward_gradient(maps) * fields).sum(), -(maps * divergence(fields)).sum()
    assert float(left) == pytest.approx(float(right), abs=1e-10)


def test_dual_variable_stays_in_the_unit_disc() -> None:
    flow = TVL1Flow(max_iterations=40)
    generator = torch.Generator().manual_seed(0)
    start, dual = torch.zeros(1, 2, 16, 16), torch.zeros(1, 2, 2, 16, 16)
    constant, slope = (50 * torch.randn(1, channels, 16, 16, generator=generator) for channels in (1, 2))
    _, dual = flow._iterate(start, dual, constant, slope)
    assert 0.1 < float(dual.norm(dim=2).max()) <= 1


def test_bicubic_sampling_is_exact_on_pixels_and_on_lines() -> None:
    image = torch.rand(1, 2, 9, 11, generator=torch.Generator().manual_seed(0))
    x, y = pixel_positions(image)
    assert torch.equal(sample_bicubic(image, x, y), image)
    ramp = (3 * x + 2 * y)[None].double()
    inner = (..., slice(2, -2), slice(2, -2))
    assert torch.allclose(sample_bicubic(ramp, x.double() + 0.3, y.double() - 0.4)[inner], (ramp + 0.9 - 0.8)[inner])


def test_sizes_from_the_smallest_up_and_odd_ones_are_taken() -> None:
    for height, width in ((12, 12), (12, 400), (57, 31)):
        image = texture(2, height, width)
        flow = TVL1Flow(max_iterations=5)(image, moved(image, 0.2, 0))
        assert flow.shape == (1, 2, height, width)
        assert bool(torch.isfinite(flow).all())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (torch.zeros(1, 1, 20, 20), torch.zeros(1, 1, 20, 21)),
        (torch.zeros(1, 2, 20, 20), torch.zeros(1, 2, 20, 20)),
        (torch.zeros(1, 1, 11, 20), torch.zeros(1, 1, 11, 20)),
        (torch.zeros(1, 1, 20, 20, dtype=torch.uint8), torch.zeros(1, 1, 20, 20, dtype=torch.uint8)),
    ],
)
def test_bad_frames_are_refused(first: Tensor, second: Tensor) -> None:
    with pytest.raises(MerError, match="frames"):
        TVL1Flow()(first, second)


@pytest.mark.parametrize("setting", [{"tau": 0.3}, {"lambda_": 0}, {"theta": math.inf}, {"warps": 0}, {"epsilon": -1}])
def test_bad_settings_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(MerError, match=f"flow.{next(iter(setting))}"):
        TVL1Flow(**setting)  # type: ignore[arg-type]
