"""`mer train` of models that look at whole clips, end to end on synthetic clips."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from jaxtyping import Float
from torch import Tensor, nn

from mer.synth import write_casme2
from tests.fakes import write_flow_images
from tests.runner import Result, run_mer

SMALL = (
    "dataset=casme2",
    "labels=megc3",
    "align=given",
    "align.size_px=48",
    "flow=dis",
    "features.size=24",
    "trainer.max_epochs=2",
    "trainer.accelerator=cpu",
    "recognition.optimizer.lr=0.01",
)
CLIP = ("features=clip", "features.frames=4", "features.streams=[[grey],[u,v,eps]]")
TOY = ("~model", "+model._target_=tests.test_train_clips.OverTime")


class OverTime(nn.Module):
    """A small network over two clips' streams: a linear layer a time, the mean over times."""

    def __init__(self, num_classes: int, input_size: int, in_channels: Sequence[int]) -> None:
        super().__init__()
        self.streams = nn.ModuleList(nn.Linear(channels * input_size**2, num_classes) for channels in in_channels)

    def forward(self, *streams: Float[Tensor, "batch time channel height width"]) -> Float[Tensor, "batch classes"]:
        logits = [layer(one.flatten(2)).mean(dim=1) for layer, one in zip(self.streams, streams, strict=True)]
        return sum(logits[1:], start=logits[0])


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("synthetic") / "casme2"
    write_casme2(root, subjects=2, clips_per_subject=3, frame_size=(240, 180), duration_s=(0.03, 0.04))
    return root


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def train(capsys: pytest.CaptureFixture[str], root: Path, store: Path, outputs: Path, *more: str) -> Result:
    return run_mer(capsys, "train", *SMALL, f"dataset.root={root}", f"store={store}", f"outputs={outputs}", *more)


def run_of(result: Result) -> Path:
    assert result.code == 0, result.err
    return Path(json.loads(result.out)["run"])


def test_a_network_over_whole_clips_is_trained_by_its_features_needs(
    synthetic: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of(train(capsys, synthetic, store, tmp_path, *CLIP, *TOY, "json=true"))
    assert len(pd.read_csv(run / "predictions.csv")) == 6
    steps = {path.name.rpartition("-")[0] for path in store.rglob("*.safetensors")}
    assert steps == {"landmarks", "key_frames", "flow", "clip_frames", "frame_flow"}


def test_a_network_that_cannot_be_stacked_over_whole_clips_is_refused_in_a_line(
    synthetic: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = train(capsys, synthetic, store, tmp_path, *CLIP, *TOY, "engine=stacked")
    assert result.code == 2
    assert "its forward cannot; set engine=sequential" in result.err.splitlines()[-1]
    assert "Traceback" not in result.err


def test_flow_images_without_what_a_network_needs_are_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_flow_images(tmp_path / "data")
    words = ["dataset=flow_images", f"dataset.roots=[{tmp_path / 'data'}]", f"outputs={tmp_path / 'outputs'}"]
    result = run_mer(capsys, "train", *words, "features=clip", "model=ststnet")
    assert result.code == 2
    assert "aligned crops" in result.err
    assert "got flow images" in result.err
    assert not (tmp_path / "outputs").exists()
