"""FlowNet 2.0 as a flow method: sizes, batches, grey frames, weights, settings."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from torch import Tensor

from mer.errors import MerError
from mer.flow import FlowNet2, build_flow
from mer.flow.flownet2 import FlowNet2Network, flow_at_any_size, method
from mer.flow.state import Stated
from tests.flow.flownet2.layouts import as_state_dict
from tests.flow.flownet2.tiny import Tiny, tiny_tensors


@pytest.fixture
def tiny_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], str]:
    """Puts ``Tiny`` in the place of the stack; called with its bias, writes its weights."""
    monkeypatch.setattr(method, "FlowNet2Network", Tiny)

    def write(u_px: float, v_px: float) -> str:
        folder = tmp_path / f"{u_px},{v_px}"
        folder.mkdir(exist_ok=True)
        return str(as_state_dict(tiny_tensors(u_px, v_px), folder))

    return write


@pytest.mark.parametrize(("height", "width"), [(64, 128), (40, 100), (65, 63), (224, 200)])
def test_vectors_are_told_in_px_of_the_frames_own_grid(
    tiny_weights: Callable[[float, float], str], height: int, width: int
) -> None:
    frames = torch.full((1, 3, height, width), 0.5)
    flow = FlowNet2(tiny_weights(2.0, 3.0))(frames, frames)
    whole = [64 * -(-side // 64) for side in (height, width)]
    assert Tiny.seen == [(1, 3, *whole)]
    expected = torch.tensor([2.0 * width / whole[1], 3.0 * height / whole[0]])
    torch.testing.assert_close(flow, expected.view(1, 2, 1, 1).expand(1, 2, height, width))


def test_frames_of_whole_size_are_not_resampled(tiny_weights: Callable[[float, float], str]) -> None:
    first, second = torch.rand(2, 2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(FlowNet2(tiny_weights(0, 0))(first, second), (second - first)[:, :2])


def test_place_of_the_motion_is_kept_at_other_sizes() -> None:
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(80.0), indexing="ij")
    bump = torch.exp(-((x - 30) ** 2 + (y - 61) ** 2) / 200).expand(1, 3, 96, 80)
    flow = flow_at_any_size(lambda first, second: (second - first)[:, :2], torch.zeros_like(bump), bump)
    for channel, scale in enumerate((80 / 128, 96 / 128)):
        torch.testing.assert_close(flow[:, channel], scale * bump[:, channel], rtol=0, atol=0.01)


def test_pixel_centres_are_kept_in_place_there_and_back() -> None:
    seen: list[Tensor] = []

    def ramp(width: int) -> Tensor:
        return (torch.arange(width) + 0.5).expand(1, 3, width, width)

    def network(first: Tensor, second: Tensor) -> Tensor:
        seen.append(first)
        return ramp(64)[:, :2]

    flow = flow_at_any_size(network, ramp(40), ramp(40))
    torch.testing.assert_close(seen[0][..., 4:-4], ramp(64)[..., 4:-4] * 40 / 64)
    torch.testing.assert_close(flow[..., 4:-4], ramp(40)[:, :2, :, 4:-4])


def test_whole_stack_takes_any_size(network: FlowNet2Network) -> None:
    first, second = torch.rand(2, 1, 3, 50, 70, generator=torch.Generator().manual_seed(0))
    flow = flow_at_any_size(network, first, second)
    assert flow.shape == (1, 2, 50, 70)
    assert bool(torch.isfinite(flow).all())


def test_grey_frames_are_repeated(tiny_weights: Callable[[float, float], str]) -> None:
    first, second = torch.rand(2, 1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    flow = FlowNet2(tiny_weights(0, 0))
    assert torch.equal(flow(first, second), flow(first.repeat(1, 3, 1, 1), second.repeat(1, 3, 1, 1)))


def test_pairs_go_through_in_batches(tiny_weights: Callable[[float, float], str]) -> None:
    first, second = torch.rand(2, 5, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    flow = FlowNet2(tiny_weights(0, 0), batch=2)(first, second)
    assert [shape[0] for shape in Tiny.seen] == [2, 2, 1]
    assert torch.equal(flow, (second - first)[:, :2])


def test_precision_is_that_of_the_networks(tiny_weights: Callable[[float, float], str]) -> None:
    frames = torch.zeros(1, 3, 64, 64)
    weights = tiny_weights(1.001, 0.0)
    exact, half = (FlowNet2(weights, precision=name)(frames, frames) for name in ("float32", "bfloat16"))
    assert exact.dtype == half.dtype == torch.float32
    assert exact[0, 0, 0, 0] == torch.tensor(1.001)
    assert half[0, 0, 0, 0] == 1.0


def test_flow_can_be_trained_upon(tiny_weights: Callable[[float, float], str]) -> None:
    frames = torch.zeros(1, 3, 64, 64)
    flow = FlowNet2(tiny_weights(1.0, 0.0))(frames, frames)
    scale = torch.ones(1, requires_grad=True)
    (flow * scale).sum().backward()
    assert scale.grad is not None


def test_state_tells_weights_apart_by_content_and_precisions(tiny_weights: Callable[[float, float], str]) -> None:
    first, second = tiny_weights(1.0, 0.0), tiny_weights(0.0, 1.0)
    copy = Path(first).with_name("copy.pth")
    copy.write_bytes(Path(first).read_bytes())
    state = FlowNet2(first).state()
    assert FlowNet2(str(copy), batch=1).state() == state
    assert FlowNet2(second).state() != state
    assert FlowNet2(first, "bfloat16").state() != state
    assert isinstance(FlowNet2(first), Stated)


def test_state_refuses_weights_that_do_not_fit(tiny_weights: Callable[[float, float], str], tmp_path: Path) -> None:
    tiny_weights(0, 0)
    with pytest.raises(MerError, match=r"without 2 of 2 tensors, the first flownetc\.conv1\.0\.bias"):
        FlowNet2(str(as_state_dict({"a": torch.zeros(1)}, tmp_path))).state()


def test_it_is_built_by_name_and_by_target_without_weights() -> None:
    assert isinstance(build_flow("flownet2", batch=2), FlowNet2)
    assert instantiate({"_target_": "mer.flow.FlowNet2", "weights": None}).batch == 4


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (torch.zeros(1, 1, 20, 20), torch.zeros(1, 1, 20, 21)),
        (torch.zeros(1, 2, 20, 20), torch.zeros(1, 2, 20, 20)),
        (torch.zeros(3, 20, 20), torch.zeros(3, 20, 20)),
        (torch.zeros(1, 1, 15, 20), torch.zeros(1, 1, 15, 20)),
        (torch.zeros(1, 1, 20, 20, dtype=torch.uint8), torch.zeros(1, 1, 20, 20, dtype=torch.uint8)),
    ],
)
def test_bad_frames_are_refused(first: Tensor, second: Tensor) -> None:
    with pytest.raises(MerError, match="frames"):
        FlowNet2()(first, second)


@pytest.mark.parametrize("setting", [{"precision": "half"}, {"batch": 0}, {"batch": 1.5}])
def test_bad_settings_are_refused(setting: dict[str, object]) -> None:
    with pytest.raises(MerError, match=f"flow.{next(iter(setting))}"):
        FlowNet2(**setting)  # type: ignore[arg-type]
