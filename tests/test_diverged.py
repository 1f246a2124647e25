"""A fold whose training leaves the numbers is named, under any engine, and the run is marked."""

import json
from pathlib import Path

import numpy as np
import pytest

from mer.engines.training import TrainedFold
from mer.protocols.folds import Fold
from tests.fakes import write_flow_images
from tests.runner import only_run, run_mer, train_words

TOO_FAST = "recognition.optimizer.lr=1e30"


def trained(losses: list[float], probability: float = 0.5) -> TrainedFold:
    history = [(epoch, loss, 0.5) for epoch, loss in enumerate(losses)]
    rows = np.arange(1)
    return TrainedFold(Fold(rows, rows, "s"), 0, np.full((1, 2), probability, np.float32), history, {}, 0.0)


def test_first_epoch_without_a_loss_is_named() -> None:
    assert trained([1.0, 0.5]).diverged is None
    assert trained([1.0, float("nan"), float("inf")]).diverged == "loss of epoch 1"
    assert trained([float("inf")]).diverged == "loss of epoch 0"
    assert trained([], probability=float("nan")).diverged == "predictions"


@pytest.mark.parametrize(("engine", "precision"), [("sequential", "32-true"), ("stacked", "bf16-mixed")])
def test_diverged_run_says_so(engine: str, precision: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_flow_images(tmp_path / "data", subjects=3, clips_per_subject=3)
    words = train_words(
        tmp_path / "data", tmp_path / "outputs", f"engine={engine}", TOO_FAST, f"trainer.precision={precision}"
    )
    result = run_mer(capsys, *words)
    assert result.code == 0
    assert "DIVERGED, not a result" in result.err
    run = only_run(tmp_path / "outputs")
    assert set(json.loads((run / "metrics.json").read_text())["diverged"]) == {"smic-s01", "smic-s02", "smic-s03"}
    assert "DIVERGED" in run_mer(capsys, "compare", str(run)).err
    assert run_mer(capsys, "report", str(run)).code == 0
    assert "<strong>DIVERGED:</strong>" in (run / "report.html").read_text()
    fold = json.loads((run / "folds" / "smic-s02" / "metrics.json").read_text())
    assert fold["diverged"].startswith("loss of epoch")


def test_run_that_did_not_is_not_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_flow_images(tmp_path / "data", subjects=2, clips_per_subject=3)
    result = run_mer(capsys, *train_words(tmp_path / "data", tmp_path / "outputs"))
    assert "DIVERGED" not in result.err
    assert "diverged" not in json.loads((only_run(tmp_path / "outputs") / "metrics.json").read_text())
