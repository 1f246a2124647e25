"""A finished run is read back: each fold's network gives the predictions that the run keeps."""

import json
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from omegaconf import DictConfig, OmegaConf
from safetensors.torch import load_file, save_file

from mer.errors import MerError
from mer.experiment import load_index, prepare_maps
from mer.trained import load_run
from tests.fakes import write_flow_images
from tests.runner import only_run, run_mer, train_words


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A run of three folds on flow images."""
    write_flow_images(tmp_path / "data", subjects=3, clips_per_subject=3)
    assert run_mer(capsys, *train_words(tmp_path / "data", tmp_path / "outputs")).code == 0
    return only_run(tmp_path / "outputs")


def test_folds_predict_what_the_run_keeps(run: Path) -> None:
    trained = load_run(run)
    assert trained.classes == tuple(json.loads((run / "metrics.json").read_text())["classes"])
    config = cast(DictConfig, OmegaConf.load(run / "config.yaml"))
    index, maps = prepare_maps(config, load_index(config))
    names = index.clips["dataset"] + "-" + index.clips["subject"]
    assert [fold.name for fold in trained.folds] == sorted(set(names))
    for fold in trained.folds:
        rows = np.flatnonzero(names == fold.name)
        with torch.no_grad():
            found = trained.module(fold)(maps.select(rows)).softmax(-1).numpy()
        kept = pd.read_csv(fold.folder / "predictions.csv").filter(like="prob_").to_numpy()
        np.testing.assert_allclose(found, kept, atol=2e-5)  # written with so many digits


def test_fold_is_found_by_name(run: Path) -> None:
    trained = load_run(run)
    assert trained.fold(trained.folds[1].name) is trained.folds[1]
    with pytest.raises(MerError, match="a fold of"):
        trained.fold("nobody")


def test_run_that_is_not_whole_is_refused(run: Path) -> None:
    (run / "folds" / "smic-s01").rename(run / "elsewhere")
    with pytest.raises(MerError, match="2 of 3"):
        load_run(run)
    with pytest.raises(MerError, match="finished run"):
        load_run(run / "folds")


def test_weights_of_another_network_are_refused(run: Path) -> None:
    fold = load_run(run).folds[0]
    weights = load_file(fold.weights)
    save_file({f"other.{name}": value for name, value in weights.items()}, fold.weights)
    with pytest.raises(MerError, match="weights of the network"):
        load_run(run).module(fold)
    fold.weights.write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(MerError, match="weights of the network"):
        load_run(run).module(fold)


def test_class_that_is_not_mers_is_never_made(run: Path) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["model"] = {"_target_": "os.system", "command": f"touch {run / 'made'}"}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(MerError, match=r"os\.system"):
        load_run(run)
    assert not (run / "made").exists()


def test_run_without_a_network_is_refused(run: Path) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["model"] = {"_target_": "mer.handcrafted.DescriptorModel"}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(MerError, match="trained a network"):
        load_run(run)
