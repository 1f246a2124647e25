"""Flip and blur of a clip's flow."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from kornia.geometry.transform import hflip
from torch import Tensor

from mer.align.landmarks import MIRRORED
from mer.errors import MerError
from mer.features import FlipBlur
from mer.features.augment import flip_flow
from mer.flow import FlowMaps
from mer.synth.portrait import MIRROR_ORDER
from tests.clip_maps import noise_maps


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def random_maps(batch: int = 4) -> FlowMaps:
    return noise_maps(batch, 16, n_frames=3, width_px=20)


def check_equal(ours: FlowMaps, expected: FlowMaps) -> None:
    for name, value in vars(expected).items():
        torch.testing.assert_close(getattr(ours, name), value, rtol=0, atol=0)


def equal_clips(ours: Tensor, expected: Tensor) -> Tensor:
    """Which clips of two batches are equal, ``(B,)``."""
    return (ours == expected).flatten(1).all(dim=1)


def test_flip_negates_horizontal_flow_and_mirrors_positions() -> None:
    flow = torch.zeros(1, 2, 3, 5)
    flow[0, :, 1, 0] = torch.tensor([2.0, 7.0])
    flipped = flip_flow(flow)
    assert flipped[0, :, 1, 4].tolist() == [-2, 7]
    assert flipped.count_nonzero() == 2


def test_flip_twice_gives_the_maps_back() -> None:
    maps, always = random_maps(), FlipBlur(flip=1, blur=0)
    once = always(maps)
    assert not equal_clips(once.flow, maps.flow).any()
    check_equal(always(once), maps)


@pytest.mark.parametrize(("kernel_px", "sigma_px"), [(5, 1.0), (3, 0.7), (7, 2.0)])
def test_blur_is_the_gaussian_of_opencv(kernel_px: int, sigma_px: float) -> None:
    maps = random_maps()
    blurred = FlipBlur(flip=0, blur=1, kernel_px=kernel_px, sigma_px=sigma_px)(maps)
    assert torch.equal(blurred.need("landmarks"), maps.need("landmarks"))
    for name, original in replace(maps, landmarks=None).tensors().items():
        flat = original.flatten(0, -3).numpy().astype(np.float32)
        expected = np.stack([cv2.GaussianBlur(channel, (kernel_px, kernel_px), sigma_px) for channel in flat])
        rounding = 0.5 if original.dtype == torch.uint8 else 0
        ours = getattr(blurred, name).flatten(0, -3)
        np.testing.assert_allclose(ours.numpy(), expected, rtol=0, atol=1e-4 + rounding)
        assert getattr(blurred, name).dtype == original.dtype


def test_flip_mirrors_every_frame_and_negates_u_of_every_flow() -> None:
    maps = random_maps()
    flipped = FlipBlur(flip=1, blur=0)(maps)
    assert torch.equal(flipped.need("frames"), maps.need("frames").flip(-1))
    for name in ("frame_flow", "onset_flow", "unmagnified_flow"):
        u, v = maps.need(name).flip(-1).unbind(-3)
        assert torch.equal(flipped.need(name), torch.stack([-u, v], dim=-3))


def test_flip_mirrors_landmarks_and_keeps_their_order() -> None:
    maps = random_maps()
    points, flipped = maps.need("landmarks"), FlipBlur(flip=1, blur=0)(maps).need("landmarks")
    assert tuple(MIRROR_ORDER) == MIRRORED
    for number, other in ((0, 16), (36, 45), (41, 46), (21, 22), (48, 54), (60, 64), (8, 8), (33, 33)):
        x, y = points[:, other].unbind(-1)
        torch.testing.assert_close(flipped[:, number], torch.stack([19 - x, y], dim=-1))


def test_landmarks_stay_on_what_they_mark() -> None:
    frames = torch.zeros(1, 2, 3, 16, 20, dtype=torch.uint8)
    frames[0, :, :, 4, 3] = 255
    maps = FlowMaps(torch.zeros(1, 2, 16, 20), frames=frames, landmarks=torch.tensor([3.0, 4.0]).expand(1, 68, 2))
    flipped = FlipBlur(flip=1, blur=0)(maps)
    x, y = flipped.need("landmarks")[0, 0].int().tolist()
    assert flipped.need("frames")[0, 0, 0, y, x] == 255


def test_without_probability_nothing_changes() -> None:
    maps = random_maps()
    check_equal(FlipBlur(flip=0, blur=0)(maps), maps)


def test_each_clip_is_flipped_on_its_own_and_all_its_maps_with_it() -> None:
    maps = random_maps(64)
    new = FlipBlur(flip=0.5, blur=0)(maps)
    flipped = equal_clips(new.flow, flip_flow(maps.flow))
    assert 16 < flipped.sum() < 48
    assert torch.equal(~flipped, equal_clips(new.flow, maps.flow))
    for name in ("strain", "apex", "frames"):
        assert torch.equal(flipped, equal_clips(getattr(new, name), hflip(getattr(maps, name))))
    assert torch.equal(~flipped, equal_clips(new.need("landmarks"), maps.need("landmarks")))


def test_each_clip_is_blurred_on_its_own_and_all_its_maps_with_it() -> None:
    maps = random_maps(64)
    new = FlipBlur(flip=0, blur=0.25)(maps)
    untouched = equal_clips(new.flow, maps.flow)
    assert 32 < untouched.sum() < 60
    for name in ("strain", "apex", "frames", "frame_flow"):
        assert torch.equal(untouched, equal_clips(getattr(new, name), getattr(maps, name)))


def test_same_seed_draws_the_same_changes() -> None:
    maps, draws = random_maps(16), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(FlipBlur()(maps).flow)
    torch.testing.assert_close(draws[0], draws[1], rtol=0, atol=0)
    assert not equal_clips(draws[0], draws[2]).all()


def test_a_generator_of_ones_own_leaves_torchs_alone() -> None:
    maps, before = random_maps(16), torch.get_rng_state()
    draws = [FlipBlur()(maps, torch.Generator().manual_seed(seed)).flow for seed in (1, 1, 2)]
    assert torch.equal(before, torch.get_rng_state())
    torch.testing.assert_close(draws[0], draws[1], rtol=0, atol=0)
    assert not equal_clips(draws[0], draws[2]).all()


def test_clips_without_strain_get_none() -> None:
    assert FlipBlur()(FlowMaps(random_maps().flow)).strain is None


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
