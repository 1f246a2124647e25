"""What is kept of each fold, and how a run goes on under another engine."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from mer.engines import SequentialEngine, StackedEngine, TrainedFold, Training, leaky_scores, run_folds
from mer.protocols.folds import Fold
from tests.engines.toys import EPOCHS, clips, folds, silent, training

CLASSES = ("left", "right", "down")


def index() -> pd.DataFrame:
    targets = clips().targets
    rows = {"dataset": "toy", "subject": "s", "clip": [f"c{row}" for row in range(len(targets))]}
    return pd.DataFrame(rows | {"label": [CLASSES[target] for target in targets]})


def protocol() -> list[Fold]:
    """All 30 clips are tested once."""
    return folds((5, 3, 8, 14))


def run(engine: Any, root: Path, how: Training | None = None) -> tuple[Any, list[tuple[str, bool]]]:
    told: list[tuple[str, bool]] = []

    def on_fold(fold: Fold, folder: Path, is_new: bool) -> None:
        assert (folder / "metrics.json").is_file()
        told.append((fold.subject, is_new))

    return run_folds(engine, how or training(), index(), CLASSES, protocol(), root, on_fold, silent), told


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole")
    run(SequentialEngine(), root)
    return root


class Killed(StackedEngine):
    """Ends in the second chunk."""

    def train(self, folds: Sequence[Fold], training: Training, on_epoch: Any) -> Iterator[TrainedFold]:
        if any(fold.subject == "toy-s3" for fold in folds):
            raise KeyboardInterrupt
        return super().train(folds, training, on_epoch)


def test_every_fold_keeps_epochs_predictions_scores_and_weights(whole: Path) -> None:
    assert sorted(folder.name for folder in whole.iterdir()) == ["toy-s0", "toy-s1", "toy-s2", "toy-s3"]
    for fold in protocol():
        folder = whole / fold.subject
        epochs = pd.read_csv(folder / "metrics.csv")
        assert list(epochs.columns) == ["epoch", "train_loss", "train_accuracy"]
        assert epochs["epoch"].tolist() == list(range(EPOCHS))
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["seed"] == training().fold_seed(fold)
        assert metrics["seconds"] > 0
        assert len(pd.read_csv(folder / "predictions.csv")) == len(fold.test)
        assert load_file(folder / "model.safetensors")["head.weight"].shape == (3, 24)


def test_run_goes_on_under_another_engine(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(Killed(folds=2), tmp_path)
    kept = {folder.name: (folder / "metrics.json").stat().st_mtime_ns for folder in tmp_path.iterdir()}
    assert sorted(kept) == ["toy-s0", "toy-s1"]
    pooled, told = run(SequentialEngine(), tmp_path)
    assert told == [("toy-s0", False), ("toy-s1", False), ("toy-s2", True), ("toy-s3", True)]
    assert kept == {name: (tmp_path / name / "metrics.json").stat().st_mtime_ns for name in kept}
    expected, again = run(StackedEngine(), whole)
    assert [is_new for _, is_new in again] == [False] * 4
    probabilities = [f"prob_{name}" for name in CLASSES]
    np.testing.assert_allclose(pooled.predictions[probabilities], expected.predictions[probabilities], atol=2e-4)
    assert pooled.predictions["clip"].tolist() == index()["clip"].tolist()
    assert pooled.predictions["target"].tolist() == index()["label"].tolist()


def test_best_epoch_on_the_test_clips_is_beside_the_honest_one_and_labelled(tmp_path: Path, whole: Path) -> None:
    pooled, _ = run(StackedEngine(), tmp_path, training(watch_test=True))
    honest, _ = run(SequentialEngine(), whole)
    assert honest.leaky is None
    assert pooled.predictions["prediction"].tolist() == honest.predictions["prediction"].tolist()
    hits = (pooled.leaky["prediction"] == pooled.leaky["target"]).mean()
    assert hits >= (pooled.predictions["prediction"] == pooled.predictions["target"]).mean()
    assert leaky_scores(pooled.leaky, CLASSES)["accuracy"] == pytest.approx(hits)
    for fold in protocol():
        told = json.loads((tmp_path / fold.subject / "metrics.json").read_text())
        assert told["leaky_best_epoch_on_test"]["accuracy"] >= told["accuracy"]


def test_weights_kept_are_those_of_the_predictions(whole: Path) -> None:
    how = training()
    fold = protocol()[2]
    module = how.fresh_module(fold)
    module.net.load_state_dict(load_file(whole / fold.subject / "model.safetensors"))
    with torch.no_grad():
        probabilities = module.eval()(clips().maps.select(fold.test)).softmax(-1).numpy()
    table = pd.read_csv(whole / fold.subject / "predictions.csv")
    np.testing.assert_allclose(table[[f"prob_{name}" for name in CLASSES]], probabilities, atol=1e-5)
