"""3D-FCNN: three streams, clips of any length, and that it learns."""

import pytest
import torch

from mer.errors import MerError
from mer.models.fcnn3d.net import FlowCNN3d
from tests.models.flow_nets import check_batch_does_not_matter, check_learns_by_heart, count_parameters, random_clips

TINY = {"input_size": 16, "widths": (4, 8, 8), "hidden": 16, "grid_frames": 1}
CHANNELS = (1, 1, 1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def tiny(**settings: object) -> FlowCNN3d:
    return FlowCNN3d(3, **(TINY | settings))  # type: ignore[arg-type]


def test_full_size_has_the_parameters_of_its_layers() -> None:
    stream = (27 + 1) * 16 + (16 * 27 + 1) * 32 + (32 * 27 + 1) * 64 + (64 * 4 * 12 * 12 + 1) * 128
    with torch.device("meta"):
        assert count_parameters(FlowCNN3d(5)) == 3 * stream + (3 * 128 + 1) * 5


@pytest.mark.parametrize("frames", [16, 19])
def test_grid_in_time_changes_nothing_at_the_lengths_it_is_made_for(frames: int) -> None:
    net, clip = FlowCNN3d(3, 16, widths=(2, 2, 2), hidden=4), torch.randn(1, 1, frames, 16, 16)
    convolutions, grid = net.streams[0][0], net.streams[0][1]  # type: ignore[index]
    torch.testing.assert_close(grid(convolutions(clip)), convolutions(clip))


def test_grey_frames_may_be_one_more_than_flows() -> None:
    grey, u, v = random_clips(2, 6, CHANNELS, 16)
    assert tiny()(grey, u[:, 1:], v[:, 1:]).shape == (2, 3)


def test_swapped_streams_with_swapped_weights_are_the_same() -> None:
    net, swapped, clips = tiny().eval(), tiny().eval(), random_clips(2, 6, CHANNELS, 16)
    state = net.state_dict()
    other = {"streams.1": "streams.2", "streams.2": "streams.1"}
    moved = {other.get(name[:9], name[:9]) + name[9:]: value for name, value in state.items()}
    weight = state["head.weight"].unflatten(1, (3, -1))  # type: ignore[no-untyped-call]
    swapped.load_state_dict(moved | {"head.weight": weight[:, [0, 2, 1]].flatten(1)})
    torch.testing.assert_close(swapped(clips[0], clips[2], clips[1]), net(*clips))
    assert not torch.allclose(net(clips[0], clips[2], clips[1]), net(*clips), rtol=1e-3)


def test_clips_without_motion_get_the_share_of_each_class() -> None:
    net, targets = tiny(dropout=0, input_size=8), torch.tensor([0, 0, 0, 1, 1, 2])
    clips = [torch.zeros(6, 4, 1, 8, 8) for _ in CHANNELS]
    optimizer = torch.optim.Adam(net.parameters(), 3e-2)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(*clips), targets).backward()
        optimizer.step()
    torch.testing.assert_close(net(*clips)[0].softmax(-1), torch.tensor([3.0, 2, 1]) / 6, atol=0.01, rtol=0)


def test_clips_do_not_meet_in_a_batch() -> None:
    check_batch_does_not_matter(tiny(), random_clips(3, 5, CHANNELS, 16))


def test_learns_ten_clips_by_heart() -> None:
    check_learns_by_heart(tiny(dropout=0), random_clips(10, 5, CHANNELS, 16), lr=1e-2, steps=20)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_size": 7}, r"features\.size"),
        ({"grid_frames": 0}, r"model\.grid_frames"),
        ({"hidden": 0}, r"model\.hidden"),
        ({"dropout": 2}, r"model\.dropout"),
        ({"in_channels": (1,)}, "3 inputs for 3D-FCNN"),
    ],
)
def test_setting_out_of_bounds_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(MerError, match=message):
        tiny(**settings)
