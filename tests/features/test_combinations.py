"""The named combinations of conf/features."""

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig

from mer.features import BranchFeatures
from mer.flow import FlowMaps
from mer.hydra_app import conf_dir

FILES = sorted((conf_dir() / "features").glob("*.yaml"))


def composed(name: str) -> DictConfig:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg: DictConfig = compose(f"features/{name}").features
    return cfg


NAMES = [path.stem for path in FILES if composed(path.stem)._target_ == "mer.features.BranchFeatures"]


@pytest.mark.parametrize("name", NAMES)
def test_file_is_named_by_its_channels(name: str) -> None:
    cfg = composed(name)
    assert name == "_".join("".join(cfg[f"branch_{branch}"]) for branch in "ab" if cfg[f"branch_{branch}"])


@pytest.mark.parametrize("name", NAMES)
def test_features_have_as_many_maps_as_they_tell(name: str) -> None:
    features: BranchFeatures = instantiate(composed(name))
    maps = FlowMaps(torch.randn(2, 2, 10, 10), apex=torch.rand(2, 3, 10, 10) if "apex" in features.needs else None)
    assert tuple(branch.shape[1] for branch in features(maps)) == features.in_channels


@pytest.mark.parametrize("name", NAMES)
def test_combinations_differ_in_their_channels_alone(name: str) -> None:
    cfg, default = composed(name), composed("uvm_uveps")
    assert {key for key in default if cfg[key] != default[key]} <= {"branch_a", "branch_b"}


def test_files_say_on_top_what_they_are_for() -> None:
    for path in FILES:
        assert path.read_text().startswith("# ")
