"""Multi-stream CNN: a stream for each input, and that it learns."""

import pytest
import torch

from mer.errors import MerError
from mer.models.flow_evm.net import FlowMagnificationNet
from tests.models.flow_nets import check_batch_does_not_matter, check_learns_by_heart, count_parameters, random_inputs

CHANNELS = (1, 2, 1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def tiny(**settings: object) -> FlowMagnificationNet:
    return FlowMagnificationNet(3, **({"input_size": 16, "widths": (4, 8, 8), "hidden": 16} | settings))  # type: ignore[arg-type]


def test_has_the_parameters_of_its_layers() -> None:
    streams = 9 * 16 * sum(CHANNELS) + 3 * 9 * (16 * 32 + 32 * 64) + 3 * 2 * (16 + 32 + 64)
    with torch.device("meta"):
        assert count_parameters(FlowMagnificationNet(5)) == streams + (3 * 64 * 8 * 8 + 1) * 128 + (128 + 1) * 5


@pytest.mark.parametrize("channels", [(1, 2), (1, 2, 1, 3)])
def test_takes_any_number_of_streams_from_two(channels: tuple[int, ...]) -> None:
    net, inputs = tiny(in_channels=channels).eval(), random_inputs(2, channels, 16)
    before = net(*inputs)
    for number in range(len(channels)):
        changed = [one + (place == number) for place, one in enumerate(inputs)]
        assert not torch.allclose(net(*changed), before, rtol=1e-3)


def test_clips_do_not_meet_in_a_batch() -> None:
    check_batch_does_not_matter(tiny(), random_inputs(4, CHANNELS, 16))


def test_learns_ten_clips_by_heart() -> None:
    check_learns_by_heart(tiny(dropout=0), random_inputs(10, CHANNELS, 16), lr=1e-2, steps=20)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_size": 7}, r"features\.size"),
        ({"hidden": 0}, r"model\.hidden"),
        ({"dropout": 2}, r"model\.dropout"),
        ({"in_channels": (1,)}, "two inputs or more"),
    ],
)
def test_setting_out_of_bounds_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(MerError, match=message):
        tiny(**settings)
