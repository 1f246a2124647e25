"""The branches' channels, their normalisation and what a mirrored face does to them."""

import pytest
import torch
from kornia.geometry.transform import hflip
from torch import Tensor

from mer.errors import MerError
from mer.features import CHANNELS, BranchFeatures, flow_magnitude, optical_strain
from mer.features.augment import flip_flow
from mer.flow import FlowMaps


def random_flow(batch: int = 3, size: int = 12) -> Tensor:
    return torch.randn(batch, 2, size, size, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def all_channels(normalize: str) -> BranchFeatures:
    return BranchFeatures(CHANNELS, ("u", "v", "eps"), normalize=normalize)


def test_default_branches_are_the_papers() -> None:
    flow = random_flow()
    first, second = BranchFeatures(normalize="none")(FlowMaps(flow))
    torch.testing.assert_close(first, torch.cat([flow, flow_magnitude(flow)], dim=1), rtol=0, atol=0)
    torch.testing.assert_close(second, torch.cat([flow, optical_strain(flow)], dim=1), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("branch_a", "branch_b"), [(("eps", "u"), ("m",)), (("v",), ("v", "v", "u", "eps")), (["m", "eps"], ["u", "v"])]
)
def test_channels_come_in_the_order_asked_for(branch_a: list[str], branch_b: list[str]) -> None:
    flow = random_flow()
    features = BranchFeatures(branch_a, branch_b, normalize="none")
    maps = {"u": flow[:, :1], "v": flow[:, 1:], "m": flow_magnitude(flow), "eps": optical_strain(flow)}
    assert features.in_channels == (len(branch_a), len(branch_b))
    for branch, names in zip(features(FlowMaps(flow)), (branch_a, branch_b), strict=True):
        torch.testing.assert_close(branch, torch.cat([maps[name] for name in names], dim=1), rtol=0, atol=0)


@pytest.mark.parametrize("normalize", ["none", "symmetric"])
def test_mirrored_face_negates_u_and_mirrors_the_rest(normalize: str) -> None:
    flow, features = random_flow(), all_channels(normalize)
    mirrored, expected = features(FlowMaps(flip_flow(flow)))[0], hflip(features(FlowMaps(flow))[0])
    expected[:, 0] *= -1
    torch.testing.assert_close(mirrored, expected, rtol=0, atol=1e-12)


def test_symmetric_scaling_divides_each_clip_by_its_own_largest_motion() -> None:
    scale = torch.tensor([0.01, 1.0, 50.0], dtype=torch.float64)[:, None, None, None]
    plain, scaled = (
        all_channels("none")(FlowMaps(random_flow()))[0],
        all_channels("symmetric")(FlowMaps(random_flow() * scale))[0],
    )
    largest = plain.amax(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(scaled[:, :3], plain[:, :3] / largest[:, 2:3], rtol=0, atol=1e-9)
    torch.testing.assert_close(scaled[:, 3:], plain[:, 3:] / largest[:, 3:], rtol=0, atol=1e-9)


def test_symmetric_scaling_bounds_every_channel() -> None:
    maps = all_channels("symmetric")(FlowMaps(100 * random_flow()))[0]
    assert maps[:, :2].abs().max() <= 1
    torch.testing.assert_close(maps[:, 2:].amax(dim=(2, 3)), torch.ones(3, 2, dtype=torch.float64))
    assert maps[:, 2:].min() >= 0


@pytest.mark.parametrize("normalize", ["none", "symmetric"])
def test_clip_without_motion_stays_zero(normalize: str) -> None:
    for branch in BranchFeatures(normalize=normalize)(FlowMaps(torch.zeros(2, 2, 8, 8))):
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
        ({"branch_b": ()}, r"features\.branch_b=\[u,v,m\]"),
        ({"normalize": "minmax"}, r"features\.normalize.*'minmax'"),
    ],
)
def test_unknown_choice_is_refused_by_name(settings: dict[str, str], message: str) -> None:
    with pytest.raises(MerError, match=message):
        BranchFeatures(**settings)
