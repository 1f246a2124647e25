"""The ONNX graph gives torch's probabilities for any number of clips, or is not kept."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import mer.export.onnx as subject
from mer.errors import MerError
from mer.export import ReleasedModel
from mer.features import BranchFeatures
from mer.flow import FlowMaps
from mer.models import DualBranchNet, RecurrentConvNet, STSTNet
from mer.trained import load_run
from tests.fakes.trained import random_maps, write_trained_run

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ReleasedModel:
    return ReleasedModel.from_run(load_run(write_trained_run(tmp_path_factory.mktemp("run") / "run")))


def with_parts(model: ReleasedModel, features: nn.Module, *nets: nn.Module) -> ReleasedModel:
    settings: Mapping[str, Any] = {**model.settings, "features": {"size": features.size}}
    return replace(model, settings=settings, features=features, nets=tuple(net.eval() for net in nets))


def test_graph_gives_torchs_probabilities_and_logits(model: ReleasedModel, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    difference = subject.write_onnx(model, file)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for n_clips in (1, 4, 7):
        maps = random_maps(n_clips)
        probabilities, logits = session.run(["probabilities", "logits"], {"flow": maps.flow.numpy()})
        np.testing.assert_allclose(probabilities, model.probabilities(maps).numpy(), atol=1e-5)
        np.testing.assert_allclose(logits, model.logits(maps).numpy(), atol=1e-4)
    assert 0 <= difference < 1e-5
    assert list(tmp_path.iterdir()) == [file]


def test_clip_without_motion_gives_numbers(model: ReleasedModel, tmp_path: Path) -> None:
    subject.write_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    still = torch.zeros(2, 2, 12, 12)
    found = session.run(["probabilities"], {"flow": still.numpy()})[0]
    np.testing.assert_allclose(found, model.probabilities(FlowMaps(still)).numpy(), atol=1e-5)


def test_apex_frame_is_an_input_where_features_take_it(model: ReleasedModel, tmp_path: Path) -> None:
    features = BranchFeatures(("u", "v", "angle"), ("rgb", "grey"), size=12, derivative="sobel")
    nets = [DualBranchNet(3, 1, [4], input_size=12, in_channels=features.in_channels) for _ in range(2)]
    subject.write_onnx(with_parts(model, features, *nets), tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["flow", "apex"]
    assert session.get_inputs()[0].shape == ["clips", 2, 12, 12]


@pytest.mark.parametrize(
    ("net", "size"),
    [
        (lambda: STSTNet(3, input_size=28), 28),
        (lambda: RecurrentConvNet(3, input_size=28, grid=2), 28),
    ],
)
def test_other_networks_have_graphs_too(net: Any, size: int, model: ReleasedModel, tmp_path: Path) -> None:
    features = BranchFeatures(("u", "v", "eps"), (), size=size, derivative="backward", normalize="minmax")
    assert subject.write_onnx(with_parts(model, features, net(), net()), tmp_path / "model.onnx") < 1e-5


def test_network_that_onnx_cannot_express_ends_in_one_line(
    model: ReleasedModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    features = BranchFeatures(("u", "v", "m"), (), size=28)
    net = RecurrentConvNet(3, input_size=28, grid=5)  # pools 6 px to 5, which has no operator
    with pytest.raises(MerError, match="ONNX can express"):
        subject.write_onnx(with_parts(model, features, net), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().out == ""


def test_graph_averages_mirror_images_where_the_model_does(model: ReleasedModel, tmp_path: Path) -> None:
    assert subject.write_onnx(replace(model, flip_average=True), tmp_path / "model.onnx") < 1e-5


class Batched(nn.Module):
    """Gives other logits to a clip the more clips there are, by a number that a trace takes for fixed."""

    def forward(self, maps: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return maps.mean((2, 3)) * float(len(maps))


def test_graph_with_other_probabilities_is_not_kept(model: ReleasedModel, tmp_path: Path) -> None:
    with pytest.raises(MerError, match=r"differ by 0\.0001 at most"):
        subject.write_onnx(replace(model, nets=(Batched(),)), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


class OfFrames(nn.Module):
    """Features of more than a graph takes."""

    def forward(self, maps: FlowMaps) -> None:
        raise MerError("maps with frames", "flow alone", "prepare them")


def test_features_of_more_than_flow_and_apex_end_in_one_line(model: ReleasedModel, tmp_path: Path) -> None:
    with pytest.raises(MerError, match="a model of flow and apex frames"):
        subject.write_onnx(replace(model, features=OfFrames()), tmp_path / "model.onnx")


def test_too_large_an_ensemble_is_refused(
    model: ReleasedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "_LARGEST_BYTES", 1000)
    with pytest.raises(MerError, match="3 networks"):
        subject.write_onnx(model, tmp_path / "model.onnx")
