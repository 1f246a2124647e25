"""`mer train` of networks over each kind of input, end to end on synthetic clips."""

import json
from pathlib import Path

import pandas as pd
import pytest
from safetensors.torch import load_file

from mer.synth import write_casme2
from tests.runner import run_mer

SMALL = (
    *("dataset=casme2", "labels=megc3", "align=given", "align.size_px=48", "flow=dis", "protocol=subject_kfold"),
    *("protocol.k=2", "trainer.max_epochs=1", "trainer.accelerator=cpu", "json=true"),
)
VGG = ("features.size=32", "model.widths=[2,2,2,2,2]", "model.hidden=4")
KINDS = {
    "flows and frames": (
        ("experiment=elrcn_te", "features.frames=4", "model.lstm_units=4", "model.dense_units=4", *VGG),
        {"flow", "clip_frames", "frame_flow"},
    ),
    "frames, and a loss with terms of its own": (
        ("experiment=cnn_lstm", "features.size=32", "model.widths=[2,2,2]", "model.hidden=4", "model.lstm_units=4"),
        {"flow", "clip_frames"},
    ),
    "patches at landmarks": (
        ("experiment=graph_tcn", "features.size=48", "features.frames=4", "model.widths=[2]"),
        {"flow", "clip_frames"},
    ),
    "tiled regions around landmarks": (
        ("experiment=htnet_flow", "features.landmarks=true", "model.width=4", "model.repeats=[1,1,1]"),
        {"flow"},
    ),
    "mask and apex frame": (
        ("experiment=flow_evm", "features.size=16", "model.widths=[2,2,2]"),
        {"flow", "apex_frame"},
    ),
}


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("synthetic")
    write_casme2(root / "casme2", subjects=2, clips_per_subject=3, frame_size=(240, 180), duration_s=(0.03, 0.04))
    return root


@pytest.mark.parametrize("kind", KINDS)
def test_network_is_trained_on_what_its_features_need(
    kind: str, synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, needed = KINDS[kind]
    folders = [f"dataset.root={synthetic / 'casme2'}", f"store={tmp_path / 'store'}", f"outputs={tmp_path / 'outputs'}"]
    result = run_mer(capsys, "train", *words, *SMALL, *folders)
    assert result.code == 0, result.err
    run = Path(json.loads(result.out)["run"])
    assert len(pd.read_csv(run / "predictions.csv")) == 6
    weights = [load_file(path) for path in sorted(run.glob("folds/*/model.safetensors"))]
    assert len(weights) == 2
    assert any(not one.equal(two) for one, two in zip(*(fold.values() for fold in weights), strict=True))
    steps = {path.name.rpartition("-")[0] for path in (tmp_path / "store").rglob("*.safetensors")}
    assert steps - {"landmarks", "key_frames"} == needed
