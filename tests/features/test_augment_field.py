"""A flow field moved, turned, zoomed, stretched and wiped out, its vectors with it."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from mer.errors import MerError
from mer.features import BranchFeatures, FieldAugment, FlipBlur
from mer.features.augment_field import warp_maps, wipe_out
from mer.features.inputs import FreshInputs, clip_inputs
from mer.flow import FlowMaps
from tests.features.test_augment import check_equal, equal_clips

SIDE = 12


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def random_maps(batch: int = 3) -> FlowMaps:
    return FlowMaps(
        torch.randn(batch, 2, SIDE, SIDE), torch.rand(batch, 1, SIDE, SIDE), torch.rand(batch, 3, SIDE, SIDE)
    )


def warped(maps: FlowMaps, shift: tuple[float, float] = (0, 0), degrees: float = 0, zoom: float = 1) -> FlowMaps:
    n_clips = len(maps)
    angle = torch.full((n_clips,), math.radians(degrees))
    return warp_maps(
        maps, torch.tensor([shift], dtype=torch.float32).expand(n_clips, -1), angle, torch.full((n_clips,), float(zoom))
    )


def test_shift_moves_right_and_down_and_leaves_vectors_alone() -> None:
    maps = random_maps()
    moved = warped(maps, shift=(2 / SIDE, 3 / SIDE))
    for name in ("flow", "strain"):
        before, after = getattr(maps, name), getattr(moved, name)
        torch.testing.assert_close(after[..., 3:, 2:], before[..., :-3, :-2], atol=1e-5, rtol=0)
        assert after[..., :3, :].abs().max() < 1e-5
        assert after[..., :2].abs().max() < 1e-5


def test_apex_frame_goes_on_over_the_border() -> None:
    maps = random_maps()
    moved = warped(maps, shift=(3 / SIDE, 0)).apex
    assert maps.apex is not None
    assert moved is not None
    torch.testing.assert_close(moved[..., :3], maps.apex[..., :1].expand(-1, -1, -1, 3), atol=1e-5, rtol=0)


def test_quarter_turn_turns_positions_and_vectors() -> None:
    maps = random_maps()
    turned = warped(maps, degrees=90)
    u, v = torch.rot90(maps.flow, -1, (-2, -1)).unbind(1)
    torch.testing.assert_close(turned.flow, torch.stack([-v, u], dim=1), atol=1e-5, rtol=0)
    torch.testing.assert_close(turned.strain, torch.rot90(maps.strain, -1, (-2, -1)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("degrees", "zoom"), [(0, 1.5), (0, 0.8), (35, 1.3)])
def test_expansion_from_the_centre_looks_the_same_turned_and_enlarged(degrees: float, zoom: float) -> None:
    """w(p) = 2 p: at z R p it is z R 2 p, the same field, except where what was outside came in."""
    at = torch.arange(SIDE) + 0.5 - SIDE / 2
    y, x = torch.meshgrid(at, at, indexing="ij")
    maps = FlowMaps(2 * torch.stack([x, y])[None])
    middle = slice(4, -4)
    changed = warped(maps, degrees=degrees, zoom=zoom).flow
    torch.testing.assert_close(changed[..., middle, middle], maps.flow[..., middle, middle], atol=1e-4, rtol=0)


def test_turn_and_zoom_scale_and_turn_a_uniform_flow() -> None:
    flow = torch.tensor([3.0, 4.0])[:, None, None].expand(1, 2, SIDE, SIDE)
    centre = warped(FlowMaps(flow), degrees=30, zoom=1.2).flow[0, :, SIDE // 2, SIDE // 2]
    cosine, sine = math.cos(math.pi / 6), math.sin(math.pi / 6)
    expected = 1.2 * torch.tensor([3 * cosine - 4 * sine, 3 * sine + 4 * cosine])
    torch.testing.assert_close(centre, expected, atol=1e-5, rtol=0)


def test_wiped_out_square_is_where_it_was_drawn() -> None:
    maps = FlowMaps(torch.ones(2, 2, 8, 8), torch.ones(2, 1, 8, 8), torch.ones(2, 3, 8, 8))
    wiped = wipe_out(maps, torch.tensor([[0.5, 0.5], [0.0, 0.75]]), 0.5)
    for tensor in (wiped.flow, wiped.strain, wiped.apex):
        assert isinstance(tensor, Tensor)
        assert not tensor[0, :, 2:6, 2:6].any()
        assert not tensor[1, :, 4:, :2].any()
        assert (tensor == 0).flatten(2).sum(2).tolist() == [[16] * tensor.shape[1], [8] * tensor.shape[1]]


def test_stretch_is_one_factor_for_u_and_one_for_v_within_bounds() -> None:
    maps = random_maps(40)
    ratio = FieldAugment(flip=0, stretch=0.5)(maps).flow / maps.flow
    factors = ratio.flatten(2).mean(2)
    torch.testing.assert_close(ratio, factors[..., None, None].expand_as(ratio), atol=1e-4, rtol=1e-4)
    assert 1 / 1.5 <= factors.min() < 0.8 < 1.3 < factors.max() <= 1.5
    assert (factors[:, 0] - factors[:, 1]).abs().min() > 1e-4


def test_each_clip_is_shifted_by_itself_no_further_than_said() -> None:
    maps = FlowMaps(torch.zeros(60, 2, 20, 20))
    maps.flow[:, :, 10, 10] = 1
    weights = FieldAugment(flip=0, shift=0.2)(maps).flow[:, 0]
    at = torch.arange(20.0)
    x, y = ((weights.sum(dim) * at).sum(1) / weights.sum((1, 2)) - 10 for dim in (1, 2))
    for offset in (x, y):
        assert offset.abs().max() <= 0.2 * 20 + 1e-4
        assert offset.min() < -2
        assert offset.max() > 2


def test_nothing_but_the_flip_is_left_where_all_else_is_off() -> None:
    maps = random_maps(16)
    ours, expected = (augment(maps, torch.Generator().manual_seed(3)) for augment in (FieldAugment(), FlipBlur(blur=0)))
    check_equal(ours, expected)


def everything() -> FieldAugment:
    return FieldAugment(blur=0.5, shift=0.1, rotate_deg=10, zoom=0.1, stretch=0.3, cutout=0.3)


def test_same_seed_draws_the_same_changes_and_leaves_torchs_generator_alone() -> None:
    maps, before = random_maps(16), torch.get_rng_state()
    draws = [everything()(maps, torch.Generator().manual_seed(seed)).flow for seed in (1, 1, 2)]
    assert torch.equal(before, torch.get_rng_state())
    torch.testing.assert_close(draws[0], draws[1], rtol=0, atol=0)
    assert not equal_clips(draws[0], draws[2]).any()


def test_its_inputs_are_made_in_each_batch() -> None:
    maps = FlowMaps(torch.rand(4, 2, SIDE, SIDE))
    assert isinstance(clip_inputs(maps, BranchFeatures(size=SIDE), FieldAugment()), FreshInputs)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("shift", 0.6), ("shift", -0.1), ("rotate_deg", 181), ("zoom", 1.1), ("stretch", 5), ("cutout", 1.1), ("flip", 2)],
)
def test_setting_out_of_bounds_is_refused_by_name(setting: str, value: float) -> None:
    with pytest.raises(MerError, match=rf"augment\.{setting}"):
        FieldAugment(**{setting: value})


@dataclass(frozen=True)
class MapsWithPoints(FlowMaps):
    points: Tensor | None = None


def test_maps_that_would_stay_where_they_were_are_refused() -> None:
    with pytest.raises(MerError, match=r"maps with points.*augment=flip_blur"):
        FieldAugment()(MapsWithPoints(torch.zeros(1, 2, 4, 4), points=torch.zeros(1, 68, 2)))
    FieldAugment()(MapsWithPoints(torch.zeros(1, 2, 4, 4)))
