"""The best recipe on flow images: what its files ask for is what trains."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from mer.build import build_module
from mer.datamodule import ClipDataset
from mer.experiment import load_index, prepare_maps
from mer.flow import FlowMaps
from mer.trained import load_run
from tests.fakes import write_flow_images
from tests.runner import run_mer
from tests.test_conf import composed

EXPERIMENTS = ("smic_flow_best", "casme2_flow_best", "composite_flow_best")


def test_one_recipe_serves_every_set() -> None:
    first, *others = (composed("train", f"experiment={name}") for name in EXPERIMENTS)
    for cfg in others:
        assert {**cfg, "name": ""} == {**first, "name": ""}


def test_rate_goes_up_to_the_peak_and_down_to_nothing_in_all_epochs() -> None:
    cfg = composed("train", "experiment=smic_flow_best", "trainer.max_epochs=10", "recognition.optimizer.lr=2e-3")
    clips = ClipDataset(FlowMaps(torch.rand(4, 2, 14, 14)), torch.tensor([0, 1, 2, 2]))
    module = build_module(cfg, 3, clips)
    assert module.flip_average
    chosen = module.configure_optimizers()
    rates = []
    for _ in range(10):
        rates.append(chosen["optimizer"].param_groups[0]["lr"])
        chosen["optimizer"].step()
        module.lr_scheduler_step(chosen["lr_scheduler"], None)
    assert max(rates) == pytest.approx(2e-3)
    assert 1 <= np.argmax(rates) <= 3
    assert rates[-1] < 1e-5


def test_recipe_runs_and_its_networks_predict_what_the_run_keeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_flow_images(tmp_path / "data", subjects=3, clips_per_subject=4)
    words = [
        f"dataset.roots=[{tmp_path / 'data'}]",
        f"run_dir={tmp_path / 'run'}",
        "engine=stacked",
        "trainer.accelerator=cpu",
        "trainer.max_epochs=2",
    ]
    result = run_mer(capsys, "train", "dataset=flow_images", "experiment=smic_flow_best", *words)
    assert result.code == 0, result.err
    trained = load_run(tmp_path / "run")
    index, maps = prepare_maps(trained.config, load_index(trained.config))
    for fold in trained.folds:
        rows = np.flatnonzero((index.clips["dataset"] + "-" + index.clips["subject"]) == fold.name)
        with torch.no_grad():
            found = trained.module(fold).probabilities(maps.select(rows)).numpy()
        kept = pd.read_csv(fold.folder / "predictions.csv").filter(like="prob_").to_numpy()
        np.testing.assert_allclose(found, kept, atol=2e-5)  # written with so many digits


@pytest.mark.parametrize("engine", ["sequential", "stacked", "parallel"])
def test_synthetic_clips_train_every_fold_and_are_predicted_in_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    table = write_flow_images(tmp_path / "data", subjects=3, clips_per_subject=4)
    words = [f"dataset.roots=[{tmp_path / 'data'}]", f"engine={engine}", "trainer.accelerator=cpu"]
    words += ["trainer.max_epochs=1", "synthetic.clips=40", "model.widths=[4,4]"]
    found = {}
    for chosen in ("flow_images", "none"):
        run = tmp_path / chosen
        more = [f"run_dir={run}", f"synthetic={chosen}"]
        kept = [word for word in words if chosen != "none" or not word.startswith("synthetic.")]
        result = run_mer(capsys, "train", "dataset=flow_images", "experiment=smic_flow_best", *kept, *more)
        assert result.code == 0, result.err
        found[chosen] = pd.read_csv(run / "predictions.csv")
    assert found["flow_images"]["clip"].tolist() == found["none"]["clip"].tolist() == table["clip"].tolist()
    probabilities = [one.filter(like="prob_").to_numpy() for one in found.values()]
    assert np.abs(probabilities[0] - probabilities[1]).max() > 1e-3


def test_descriptors_are_not_trained_on_synthetic_clips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_flow_images(tmp_path / "data", subjects=3, clips_per_subject=4)
    words = [f"dataset.roots=[{tmp_path / 'data'}]", "features.size=28", "synthetic=flow_images"]
    result = run_mer(capsys, "train", "dataset=flow_images", "model=bi_woof", f"run_dir={tmp_path / 'run'}", *words)
    assert result.code == 2
    assert "synthetic=none" in result.err
