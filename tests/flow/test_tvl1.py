"""TV-L1 flow: closed forms, known motion, and independence of the batch."""

import math

import pytest
import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from mer.errors import MerError
from mer.flow import TVL1Flow, build_flow
from mer.flow.bicubic import pixel_positions, sample_bicubic
from tests.flow.plain_tvl1 import plain_tvl1

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


def test_brightness_and_contrast_do_not_matter_to_the_last_bit_where_they_are_powers_of_two() -> None:
    image = texture(5)
    second = moved(image, 0.6, 0.4).clamp(0, 1)
    assert torch.equal(TVL1Flow()(image, second), TVL1Flow()(image / 4, second / 4))


@pytest.mark.parametrize("threads", [1, 3])
def test_pair_does_not_depend_on_those_beside_it_nor_on_the_threads(threads: int) -> None:
    images = [texture(seed, 40, 47) for seed in range(6)]
    second = [moved(image, 0.9 * seed - 2, 0.2 * seed) for seed, image in enumerate(images)]
    flow, before = TVL1Flow(), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        together = flow(torch.cat(images), torch.cat(second))
    finally:
        torch.set_num_threads(before)
    for row, pair in enumerate(zip(images, second, strict=True)):
        assert torch.equal(together[row : row + 1], flow(*pair))


@pytest.mark.parametrize(("u_px", "v_px"), [(0.4, -0.3), (2.6, 1.7)])
def test_flow_is_that_of_the_published_algorithm_in_plain_numpy(u_px: float, v_px: float) -> None:
    image = texture(8, 64, 76)
    second = moved(image, u_px, v_px) * 0.9 + 0.02 * texture(9, 64, 76)
    expected = torch.from_numpy(plain_tvl1(*(frames[0, 0].double().numpy() for frames in (image, second))))
    difference_px = (TVL1Flow()(image, second)[0] - expected).norm(dim=0)
    assert float(difference_px.median()) < 1e-4
    assert float(difference_px.max()) < 0.01


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_keeps_the_error(precision: str) -> None:
    image = texture(7)
    pair = image, moved(image, 1.7, -0.8)
    half, single = TVL1Flow(precision=precision)(*pair), TVL1Flow()(*pair)
    assert half.dtype == torch.float32
    assert 0 < float((half - single).abs().median()) < 0.01
    assert median_error_px(half, 1.7, -0.8) < 0.05


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_gives_identical_images_no_flow_and_flat_ones_no_infinity(precision: str) -> None:
    image = texture(7)
    assert TVL1Flow(precision=precision)(image, image).abs().max() == 0
    flat = torch.full_like(image, 0.5)
    flat[..., 40, 40] = 1e-3
    assert bool(torch.isfinite(TVL1Flow(precision=precision, max_iterations=20)(flat, image)).all())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_flow_on_the_gpu_is_that_on_the_cpu() -> None:
    image = torch.cat([texture(seed) for seed in range(3)])
    second = torch.cat([moved(image[:1], 0.4, 0.1), moved(image[1:2], -1.2, 0.7), image[2:]])
    on_gpu = TVL1Flow()(image.cuda(), second.cuda())
    assert on_gpu.device.type == "cuda"
    assert float((on_gpu.cpu() - TVL1Flow()(image, second)).abs().median()) < 1e-3


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


def test_unknown_precision_is_refused() -> None:
    with pytest.raises(MerError, match=r"flow\.precision to be one of .*'float64'"):
        TVL1Flow(precision="float64")
