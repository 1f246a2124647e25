"""The branches' channels, their normalisation and what a mirrored face does to them."""

from typing import Any

import numpy as np
import pytest
import torch
from kornia.color import rgb_to_grayscale
from kornia.geometry.transform import hflip
from torch import Tensor

from mer.errors import MerError
from mer.features import CHANNELS, BranchFeatures, flow_direction, flow_magnitude, optical_strain
from mer.features.augment import flip_flow, flip_maps
from mer.flow import FlowMaps


def random_flow(batch: int = 3, size: int = 12) -> Tensor:
    return torch.randn(batch, 2, size, size, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def random_maps(batch: int = 3, size: int = 12) -> FlowMaps:
    apex = torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    return FlowMaps(random_flow(batch, size), apex=apex)


def motion_channels(normalize: str) -> BranchFeatures:
    return BranchFeatures(("u", "v", "m", "eps"), ("u", "v", "eps"), normalize=normalize)


def test_default_branches_are_the_papers() -> None:
    flow = random_flow()
    first, second = BranchFeatures(normalize="none")(FlowMaps(flow))
    torch.testing.assert_close(first, torch.cat([flow, flow_magnitude(flow)], dim=1), rtol=0, atol=0)
    torch.testing.assert_close(second, torch.cat([flow, optical_strain(flow)], dim=1), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("branch_a", "branch_b", "width"),
    [
        (("eps", "u"), ("m",), (2, 1)),
        (("v",), ("v", "v", "u", "eps"), (1, 4)),
        (["m", "eps"], ["u", "v"], (2, 2)),
        (["u", "v", "angle"], ["grey", "eps"], (4, 2)),
        (["rgb"], ["m", "rgb", "angle"], (3, 6)),
    ],
)
def test_channels_come_in_the_order_asked_for(branch_a: list[str], branch_b: list[str], width: tuple[int, int]) -> None:
    features, maps = BranchFeatures(branch_a, branch_b, normalize="none"), random_maps()
    flow, apex = maps.flow, maps.apex
    assert apex is not None
    expected = {"u": flow[:, :1], "v": flow[:, 1:], "m": flow_magnitude(flow), "eps": optical_strain(flow)}
    expected |= {"angle": flow_direction(flow), "rgb": apex, "grey": rgb_to_grayscale(apex)}
    assert features.in_channels == width
    for branch, names in zip(features(maps), (branch_a, branch_b), strict=True):
        torch.testing.assert_close(branch, torch.cat([expected[name] for name in names], dim=1), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("branch_a", "branch_b", "needs"),
    [
        (("u",), ("v", "angle"), set()),
        (("u", "grey"), ("v",), {"apex"}),
        (("u",), ("rgb",), {"apex"}),
    ],
)
def test_features_tell_whether_they_need_the_apex_frame(
    branch_a: tuple[str, ...], branch_b: tuple[str, ...], needs: set[str]
) -> None:
    assert BranchFeatures(branch_a, branch_b).needs == needs


def test_features_of_the_apex_frame_without_one_are_refused() -> None:
    with pytest.raises(MerError, match="apex frame for rgb or grey"):
        BranchFeatures(("u",), ("grey",))(FlowMaps(random_flow()))


@pytest.mark.parametrize("normalize", ["none", "symmetric", "minmax"])
@pytest.mark.parametrize("channel", ["angle", "rgb", "grey"])
def test_channels_with_a_scale_of_their_own_are_not_scaled(channel: str, normalize: str) -> None:
    maps = random_maps()
    scaled, plain = (BranchFeatures((channel,), ("u",), normalize=name)(maps)[0] for name in (normalize, "none"))
    assert torch.equal(scaled, plain)


@pytest.mark.parametrize("derivative", ["central", "backward", "sobel"])
def test_strain_is_by_the_derivative_asked_for(derivative: str) -> None:
    flow = random_flow()
    eps = BranchFeatures(("eps",), ("u",), normalize="none", derivative=derivative)(FlowMaps(flow))[0]
    assert torch.equal(eps, optical_strain(flow, derivative))


@pytest.mark.parametrize("normalize", ["none", "symmetric"])
def test_mirrored_face_negates_u_and_the_cosine_and_mirrors_the_rest(normalize: str) -> None:
    maps, features = random_maps(), BranchFeatures(tuple(CHANNELS), ("u",), normalize=normalize)
    mirrored, expected = features(flip_maps(maps))[0], hflip(features(maps)[0])
    expected[:, [0, 4]] *= -1
    torch.testing.assert_close(mirrored, expected, rtol=0, atol=1e-12)


def test_mirrored_face_turns_its_stretched_u_over() -> None:
    flow, features = random_flow(), motion_channels("minmax")
    mirrored, expected = features(FlowMaps(flip_flow(flow)))[0], hflip(features(FlowMaps(flow))[0])
    expected[:, 0] = 1 - expected[:, 0]
    torch.testing.assert_close(mirrored, expected, rtol=0, atol=1e-12)


def test_symmetric_scaling_divides_each_clip_by_its_own_largest_motion() -> None:
    scale = torch.tensor([0.01, 1.0, 50.0], dtype=torch.float64)[:, None, None, None]
    plain, scaled = (
        motion_channels("none")(FlowMaps(random_flow()))[0],
        motion_channels("symmetric")(FlowMaps(random_flow() * scale))[0],
    )
    largest = plain.amax(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(scaled[:, :3], plain[:, :3] / largest[:, 2:3], rtol=0, atol=1e-9)
    torch.testing.assert_close(scaled[:, 3:], plain[:, 3:] / largest[:, 3:], rtol=0, atol=1e-9)


@pytest.mark.parametrize("normalize", ["symmetric", "minmax"])
def test_scaled_features_do_not_depend_on_the_size_of_the_motion(normalize: str) -> None:
    flow, features = random_flow(), motion_channels(normalize)
    for scale in (0.01, 40.0):
        torch.testing.assert_close(features(FlowMaps(scale * flow)), features(FlowMaps(flow)), rtol=0, atol=1e-9)


def test_minmax_stretches_each_channel_of_each_clip_to_the_unit_interval() -> None:
    flow = random_flow() * torch.tensor([0.01, 1.0, 50.0], dtype=torch.float64)[:, None, None, None]
    plain, stretched = (motion_channels(name)(FlowMaps(flow))[0].flatten(2) for name in ("none", "minmax"))
    for one, other in zip(plain.flatten(0, 1).numpy(), stretched.flatten(0, 1).numpy(), strict=True):
        np.testing.assert_allclose(other, np.interp(one, [one.min(), one.max()], [0, 1]), rtol=0, atol=1e-9)


def test_symmetric_scaling_bounds_every_channel() -> None:
    maps = motion_channels("symmetric")(FlowMaps(100 * random_flow()))[0]
    assert maps[:, :2].abs().max() <= 1
    torch.testing.assert_close(maps[:, 2:].amax(dim=(2, 3)), torch.ones(3, 2, dtype=torch.float64))
    assert maps[:, 2:].min() >= 0


@pytest.mark.parametrize("normalize", ["none", "symmetric", "minmax"])
def test_clip_without_motion_stays_zero(normalize: str) -> None:
    features = BranchFeatures(("u", "v", "m", "eps", "angle"), normalize=normalize)
    for branch in features(FlowMaps(torch.zeros(2, 2, 8, 8))):
        assert branch.abs().max() == 0


def test_published_strain_takes_the_place_of_the_derived() -> None:
    flow, strain = random_flow(), torch.rand(3, 1, 12, 12, dtype=torch.float64)
    first, second = BranchFeatures(normalize="none")(FlowMaps(flow, strain))
    torch.testing.assert_close(second[:, 2:], strain, rtol=0, atol=0)
    torch.testing.assert_close(first[:, 2:], flow_magnitude(flow), rtol=0, atol=0)
    scaled = BranchFeatures()(FlowMaps(flow, strain))[1][:, 2:]
    torch.testing.assert_close(scaled, strain / strain.amax(dim=(1, 2, 3), keepdim=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"branch_a": ("u", "w")}, r"features\.branch_a.*'w'"),
        ({"branch_b": ("strain",)}, r"features\.branch_b.*'strain'"),
        ({"branch_a": ()}, r"features\.branch_a=\[u,v,m\]"),
        ({"branch_a": None}, r"features\.branch_a=\[u,v,m\]"),
        ({"branch_a": "uv"}, r"list of channels for branch a; got 'uv'"),
        ({"normalize": "zscore"}, r"features\.normalize.*'zscore'"),
        ({"derivative": "forward"}, r"features\.derivative.*'forward'"),
        ({"size": 0}, r"features\.size"),
    ],
)
def test_unknown_choice_is_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(MerError, match=message):
        BranchFeatures(**settings)


def test_without_a_second_branch_there_is_one_input() -> None:
    features = BranchFeatures(branch_a=("u", "v", "eps"), branch_b=(), size=8)
    assert features.in_channels == (3,)
    (only,) = features(FlowMaps(torch.randn(4, 2, 8, 8)))
    assert only.shape == (4, 3, 8, 8)
