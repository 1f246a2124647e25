"""Flip and blur of a clip's flow."""

import cv2
import numpy as np
import pytest
import torch
from kornia.geometry.transform import hflip
from torch import Tensor

from mer.errors import MerError
from mer.features import FlipBlur
from mer.features.augment import flip_flow


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def random_maps(batch: int = 4) -> tuple[Tensor, Tensor]:
    return torch.randn(batch, 2, 16, 20), torch.rand(batch, 1, 16, 20)


def equal_clips(ours: Tensor, expected: Tensor) -> Tensor:
    """Which clips of two batches are equal, ``(B,)``."""
    return (ours == expected).flatten(1).all(dim=1)


def test_flip_negates_horizontal_flow_and_mirrors_positions() -> None:
    flow = torch.zeros(1, 2, 3, 5)
    flow[0, :, 1, 0] = torch.tensor([2.0, 7.0])
    flipped = flip_flow(flow)
    assert flipped[0, :, 1, 4].tolist() == [-2, 7]
    assert flipped.count_nonzero() == 2


def test_flip_twice_gives_the_flow_back() -> None:
    flow, strain = random_maps()
    always = FlipBlur(flip=1, blur=0)
    once_flow, once_strain = always(flow, strain)
    assert not equal_clips(once_flow, flow).any()
    twice_flow, twice_strain = always(once_flow, once_strain)
    torch.testing.assert_close(twice_flow, flow, rtol=0, atol=0)
    torch.testing.assert_close(twice_strain, strain, rtol=0, atol=0)


@pytest.mark.parametrize(("kernel_px", "sigma_px"), [(5, 1.0), (3, 0.7), (7, 2.0)])
def test_blur_is_the_gaussian_of_opencv(kernel_px: int, sigma_px: float) -> None:
    flow, strain = random_maps()
    blurred = FlipBlur(flip=0, blur=1, kernel_px=kernel_px, sigma_px=sigma_px)(flow, strain)
    for ours, original in zip(blurred, (flow, strain), strict=True):
        expected = np.stack(
            [
                [cv2.GaussianBlur(channel, (kernel_px, kernel_px), sigma_px) for channel in clip]
                for clip in original.numpy()
            ]
        )
        np.testing.assert_allclose(ours.numpy(), expected, rtol=0, atol=1e-5)


def test_without_probability_nothing_changes() -> None:
    flow, strain = random_maps()
    same_flow, same_strain = FlipBlur(flip=0, blur=0)(flow, strain)
    torch.testing.assert_close(same_flow, flow, rtol=0, atol=0)
    torch.testing.assert_close(same_strain, strain, rtol=0, atol=0)


def test_each_clip_is_flipped_on_its_own_and_its_strain_with_it() -> None:
    flow, strain = random_maps(64)
    new_flow, new_strain = FlipBlur(flip=0.5, blur=0)(flow, strain)
    flipped = equal_clips(new_flow, flip_flow(flow))
    assert 16 < flipped.sum() < 48
    assert torch.equal(~flipped, equal_clips(new_flow, flow))
    assert torch.equal(flipped, equal_clips(new_strain, hflip(strain)))


def test_each_clip_is_blurred_on_its_own_and_its_strain_with_it() -> None:
    flow, strain = random_maps(64)
    new_flow, new_strain = FlipBlur(flip=0, blur=0.25)(flow, strain)
    untouched = equal_clips(new_flow, flow)
    assert 32 < untouched.sum() < 60
    assert torch.equal(untouched, equal_clips(new_strain, strain))


def test_same_seed_draws_the_same_changes() -> None:
    flow, _ = random_maps(16)
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(FlipBlur()(flow)[0])
    torch.testing.assert_close(draws[0], draws[1], rtol=0, atol=0)
    assert not equal_clips(draws[0], draws[2]).all()


def test_clips_without_strain_get_none() -> None:
    assert FlipBlur()(random_maps()[0])[1] is None


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("flip", -0.1),
        ("flip", 1.1),
        ("blur", 2.0),
        ("blur", "often"),
        ("kernel_px", 4),
        ("kernel_px", -3),
        ("kernel_px", 5.5),
        ("sigma_px", 0.0),
    ],
)
def test_setting_out_of_bounds_is_refused_by_name(setting: str, value: float) -> None:
    with pytest.raises(MerError, match=rf"augment\.{setting}"):
        FlipBlur(**{setting: value})
