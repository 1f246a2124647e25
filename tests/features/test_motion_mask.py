"""The mask of motion: where it is 1, and that it stands before the branches."""

import torch

from mer.features import BranchFeatures, MaskedFeatures
from mer.features.motion_mask import motion_mask
from mer.flow import FlowMaps


def test_mask_is_where_motion_is_above_its_mean() -> None:
    flow = torch.zeros(2, 2, 2, 2)
    flow[0, :, 0, 0] = torch.tensor([3.0, 4.0])
    flow[1, 0] = torch.tensor([[-0.4, 0.1], [0.1, 0.4]])  # each clip has its own mean
    assert motion_mask(flow).tolist() == [[[[1, 0], [0, 0]]], [[[1, 0], [0, 1]]]]


def test_mask_does_not_depend_on_the_flows_scale() -> None:
    flow = torch.randn(3, 2, 8, 8)
    torch.testing.assert_close(motion_mask(flow * 7), motion_mask(flow))
    assert motion_mask(torch.zeros(1, 2, 4, 4)).sum() == 0


def test_mask_stands_before_the_branches() -> None:
    maps = FlowMaps(torch.randn(2, 2, 8, 8), apex=torch.rand(2, 3, 8, 8))
    features = MaskedFeatures(["u", "v"], ["grey"], size=8)
    mask, *branches = features(maps)
    assert features.in_channels == (1, 2, 1)
    assert features.needs == {"apex"}
    torch.testing.assert_close(mask, motion_mask(maps.flow))
    for found, expected in zip(branches, BranchFeatures(["u", "v"], ["grey"], size=8)(maps), strict=True):
        torch.testing.assert_close(found, expected)
