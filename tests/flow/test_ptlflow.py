"""ptlflow's networks behind mer's call, with a stand-in for the package."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mer.errors import MerError
from mer.flow import build_flow
from mer.hydra_app import conf_dir
from tests.runner import run_mer


class FakeNet(nn.Module):
    """Answers as ptlflow's models do; u is the second frame's blue, v the first frame's red."""

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        images = inputs["images"]
        assert images.shape[1:3] == (2, 3)
        return {"flows": torch.stack([images[:, 1, 0], images[:, 0, 2]], dim=1)[:, None]}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the fake ptlflow was asked for: model and weights."""
    asked = []

    def get_model(model_name: str, ckpt_path: str | None = None, args: Any = None) -> nn.Module:
        if model_name != "raft":
            raise ValueError(f"Unknown model name: {model_name}")
        asked.append((model_name, str(ckpt_path)))
        return FakeNet()

    monkeypatch.setitem(sys.modules, "ptlflow", SimpleNamespace(get_model=get_model))  # type: ignore[arg-type]
    return asked


def test_model_is_named_after_the_colon(asked: list[tuple[str, str]]) -> None:
    build_flow("ptlflow:raft", weights="kitti")
    build_flow("ptlflow", model="raft")
    assert asked == [("raft", "kitti"), ("raft", "things")]


def test_frames_go_in_as_blue_green_red_and_flow_comes_out(asked: list[tuple[str, str]]) -> None:
    first, second = torch.rand(2, 3, 16, 20), torch.rand(2, 3, 16, 20)
    flow = build_flow("ptlflow:raft")(first, second)
    assert torch.equal(flow, torch.stack([second[:, 2], first[:, 0]], dim=1))


def test_grey_frames_are_taken_as_three_equal_channels(asked: list[tuple[str, str]]) -> None:
    first, second = torch.rand(1, 1, 16, 20), torch.rand(1, 1, 16, 20)
    assert torch.equal(build_flow("ptlflow:raft")(first, second), torch.cat([second, first], dim=1))


@pytest.mark.parametrize("shape", [(1, 2, 20, 20), (1, 3, 15, 20)])
def test_bad_frames_are_refused(asked: list[tuple[str, str]], shape: tuple[int, ...]) -> None:
    with pytest.raises(MerError, match="frames"):
        build_flow("ptlflow:raft")(torch.zeros(shape), torch.zeros(shape))


def test_unknown_model_is_refused_in_one_line(asked: list[tuple[str, str]]) -> None:
    with pytest.raises(MerError, match="ptlflow's model raftt; got Unknown model name: raftt"):
        build_flow("ptlflow:raftt")


def test_absent_package_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ptlflow", None)
    with pytest.raises(MerError, match=r"expected ptlflow; got .*; pip install ptlflow"):
        build_flow("ptlflow:raft")


def test_model_is_chosen_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "train", "flow=ptlflow:raft", "name=x", "--cfg", "job", "--package", "flow")
    assert result.code == 0
    assert "model: raft" in result.out
    assert (conf_dir() / "flow" / "ptlflow.yaml").is_file()


def test_models_of_two_kinds_in_one_sweep_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "train", "-m", "flow=ptlflow:raft,other:raft")
    assert result.code == 2
    assert "sweep over these in two commands" in result.err
