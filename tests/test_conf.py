"""Every YAML of conf/ composes, and what it names can be built."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from mer.build import build_module, build_needs, is_network
from mer.datamodule import ClipDataset
from mer.hydra_app import conf_dir
from mer.settings import require_fitting
from tests.clip_maps import noise_maps

ROOTS = sorted(path.stem for path in conf_dir().glob("*.yaml"))
CHOICES = sorted(
    (path.parent.name, path.stem)
    for path in conf_dir().glob("*/*.yaml")
    if path.parent.name not in ("synth", "experiment", "launcher", "sweep", "debug")
)
EXPERIMENTS = sorted(path.stem for path in (conf_dir() / "experiment").glob("*.yaml"))


def composed(root: str, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(root, list(overrides))


@pytest.mark.parametrize("root", ROOTS)
def test_every_root_composes(root: str) -> None:
    cfg = composed(root)
    assert cfg.json is False
    require_fitting(OmegaConf.merge(cfg, {"name": "x"} if "name" in cfg else {}))


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_every_choice_is_built_by_its_target(group: str, choice: str) -> None:
    needed = ["protocol.left_out=casme2-sub01"] if choice == "inner" else []
    cfg = composed("train", f"{group}={choice}", "name=x", *needed)
    if choice == "ptlflow":
        pytest.skip("not among the dependencies; tests/flow/test_ptlflow.py has a stand-in")
    given: dict[str, Any] = {"trainer": {"logger": False}}.get(group, {})
    network = group == "model" and is_network(cfg.model)
    given |= {"num_classes": 3} if network else {}
    require_fitting(cfg)
    chosen = cfg.recognition.optimizer if group == "recognition" else cfg[group]
    with torch.device("meta") if network else nullcontext():  # some have hundreds of millions of parameters
        assert instantiate(chosen, **given) is not None


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_builds_its_module(experiment: str) -> None:
    cfg = composed("train", f"experiment={experiment}")
    assert cfg.name == experiment
    require_fitting(cfg)
    maps = noise_maps(2, cfg.features.size, build_needs(cfg).n_frames or 2)
    if not is_network(cfg.model):
        assert len(instantiate(cfg.model).describe(maps)) == 2
        return
    with torch.device("meta"):
        clips = ClipDataset(maps.to("meta"), torch.tensor([0, 1], device="cpu"))
        assert build_module(cfg, 3, clips)(clips.maps).shape == (2, 3)


def test_experiment_files_name_their_command_on_top() -> None:
    for path in (conf_dir() / "experiment").glob("*.yaml"):
        assert f"experiment={path.stem}" in path.read_text().splitlines()[1]


def test_paper_settings_are_the_default() -> None:
    cfg = composed("train", "name=x")
    optimizer = cfg.recognition.optimizer
    assert (cfg.magnify.alpha, cfg.magnify.lambda_c, cfg.model.depth, cfg.batch_size) == (20, 16, 16, 16)
    assert (cfg.trainer.max_epochs, optimizer.lr, list(optimizer.betas), optimizer.eps) == (
        30,
        1e-4,
        [0.9, 0.999],
        1e-8,
    )
    assert list(cfg.features.branch_a), list(cfg.features.branch_b) == (["u", "v", "m"], ["u", "v", "eps"])


def test_labels_follow_the_dataset_unless_chosen() -> None:
    assert composed("train", "dataset=flow_images", "name=x").labels.name == "megc3"
    assert composed("train", "name=x").labels.name == "casme2"
    assert composed("train", "labels=megc3", "name=x").labels.name == "megc3"


def test_conf_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (conf_dir() / "train.yaml").is_file()


def test_debug_run_is_short_and_apart_from_the_others() -> None:
    cfg = composed("train", "experiment=smic_flow", "debug=quick")
    assert (cfg.name, cfg.protocol._target_, cfg.protocol.k) == ("debug", "mer.protocols.subject_kfold", 2)
    assert (cfg.trainer.max_epochs, cfg.model.depth) == (2, 2)
