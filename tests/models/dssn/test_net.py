"""DSSN: its maps, fusions and that it learns."""

import pytest
import torch

from mer.errors import MerError
from mer.models.dssn.net import DualStreamShallowNet
from tests.models.flow_nets import check_batch_does_not_matter, check_learns_by_heart, random_inputs


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_a_stream_ends_in_maps_of_256_x_15_x_15() -> None:
    net = DualStreamShallowNet(3)
    assert net.stream_a(torch.zeros(1, 1, 227, 227)).shape == (1, 256, 15, 15)
    assert net.head.in_features == 57_600


@pytest.mark.parametrize("size", [63, 64, 100])
@pytest.mark.parametrize("fusion", ["add", "concat", "multiply"])
def test_takes_other_sizes_and_fusions(size: int, fusion: str) -> None:
    net = DualStreamShallowNet(4, size, fusion=fusion)
    check_batch_does_not_matter(net, random_inputs(2, (1, 1), size))


def test_streams_are_fused_cell_by_cell() -> None:
    inputs = random_inputs(2, (1, 1), 63)
    for fusion, fuse in (("multiply", torch.mul), ("add", torch.add)):
        net = DualStreamShallowNet(3, 63, fusion=fusion).eval()
        fused = fuse(net.stream_a(inputs[0]), net.stream_b(inputs[1]))
        torch.testing.assert_close(net(*inputs), net.head(fused.flatten(1)))


def test_learns_ten_clips_by_heart() -> None:
    check_learns_by_heart(DualStreamShallowNet(3, 63, dropout=0), random_inputs(10, (1, 1), 63), lr=1e-3, steps=20)


@pytest.mark.parametrize(
    ("settings", "message"), [({"input_size": 62}, r"features\.size of 63"), ({"fusion": "max"}, r"model\.fusion")]
)
def test_setting_out_of_bounds_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(MerError, match=message):
        DualStreamShallowNet(3, **settings)  # type: ignore[arg-type]
