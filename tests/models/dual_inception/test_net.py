"""Dual-Inception: its paths and that it learns."""

import pytest
import torch

from mer.errors import MerError
from mer.models.dual_inception.net import DualInceptionNet, InceptionBlock
from tests.models.flow_nets import check_batch_does_not_matter, check_learns_by_heart, random_inputs


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_paths_see_1_3_5_and_3_px() -> None:
    block, impulse = InceptionBlock(1, 2), torch.zeros(1, 1, 9, 9, requires_grad=True)
    for path, reach in zip(block.paths, (1, 3, 5, 3), strict=True):
        for parameter in path.parameters():
            torch.nn.init.constant_(parameter, 0.1)
        (seen,) = torch.autograd.grad(path(impulse + torch.arange(81.0).view(1, 1, 9, 9))[0, :, 4, 4].sum(), impulse)
        rows = seen[0, 0].nonzero()
        assert (rows - 4).abs().max() == (reach // 2 if path is not block.paths[3] else 1)
    assert block(torch.randn(2, 1, 9, 9)).shape == (2, 8, 9, 9)


@pytest.mark.parametrize(("size", "channels"), [(28, (1, 1)), (33, (2, 1))])
def test_takes_other_sizes_and_channels(size: int, channels: tuple[int, int]) -> None:
    check_batch_does_not_matter(DualInceptionNet(4, size, channels, hidden=32), random_inputs(3, channels, size))


def test_learns_ten_clips_by_heart() -> None:
    net = DualInceptionNet(3, hidden=64, dropout=0)
    check_learns_by_heart(net, random_inputs(10, (1, 1), 28), lr=3e-3, steps=40)


@pytest.mark.parametrize(("setting", "value"), [("hidden", 0), ("dropout", -1)])
def test_setting_out_of_bounds_is_refused(setting: str, value: int) -> None:
    with pytest.raises(MerError, match=rf"model\.{setting}"):
        DualInceptionNet(3, **{setting: value})
