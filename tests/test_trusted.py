"""A configuration from a file makes nothing but what mer offers."""

import os
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from mer.errors import MerError
from mer.hydra_app import conf_dir
from mer.trusted import trusted_config

GROUPS = ("align", "apex", "features", "flow", "labels", "magnify", "model", "protocol", "recognition", "augment")
WALKS = (
    *("os.system", "builtins.eval", "subprocess.run", "pickle.loads", "torch.load", "torch.hub.load"),
    *("mer.files.shutil.rmtree", "mer.files.clear_parts", "mer.models.dual_branch.net.nn.Module", "mer.flow.os.system"),
    *("mer.verbs.train.main", "mer.synth.write_smic", "mer.models.__builtins__", "torch.optim.adam.torch.load"),
    *(
        "torch.optim.lr_scheduler.warnings",
        "mer.models",
        "mer",
        "",
        "DualBranchNet",
        "mer.models.DualBranchNet.__init__",
    ),
)


def everything_offered() -> list[tuple[str, str]]:
    return [
        (group, file.stem) for group in GROUPS for file in sorted((conf_dir() / group).glob("*.yaml"))
    ]  # fmt: skip


@pytest.mark.parametrize(("group", "name"), everything_offered())
def test_everything_that_mer_ships_is_trusted(group: str, name: str) -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        shipped = OmegaConf.to_container(compose(f"{group}/{name}"), resolve=False)
    without_links = OmegaConf.create(str(OmegaConf.to_yaml(OmegaConf.create(shipped))).replace("${", "$("))
    trusted_config(OmegaConf.to_container(without_links), "config.yaml")


@pytest.mark.parametrize("target", [*WALKS, None, 3, ["os.system"]])
def test_what_mer_does_not_offer_is_refused(target: Any) -> None:
    for content in ({"model": {"_target_": target}}, {"model": {"depth": [{"x": {"_target_": target}}]}}):
        with pytest.raises(MerError, match="_target_ that mer offers"):
            trusted_config(content, "config.yaml")


def test_own_class_is_made_where_the_user_vouches_for_it() -> None:
    content = {"model": {"_target_": "mine.Net"}}
    assert trusted_config(content, "config.yaml", ["mine.Net"]) == content
    with pytest.raises(MerError, match=r"trust=\[\.\.\.\]"):
        trusted_config(content, "config.yaml", ["mine.Other"])


def test_interpolation_is_not_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "told")
    for text in ("${oc.env:SECRET}", "a ${b}", "${"):
        with pytest.raises(MerError, match="resolved settings") as refused:
            trusted_config({"name": text}, "config.yaml")
        assert os.environ["SECRET"] not in str(refused.value)


@pytest.mark.parametrize("content", [None, [], "text", {1: 2}, {"model": {"_call_": 1}}])
def test_what_is_no_configuration_is_refused(content: Any) -> None:
    with pytest.raises(MerError, match=r"config\.yaml"):
        trusted_config(content, "config.yaml")


def test_groups_that_nobody_makes_again_are_left_out() -> None:
    content = {"trainer": {"_target_": "anything"}, "engine": {}, "logger": {"_target_": "os.system"}, "seed": 3}
    assert trusted_config(content, "config.yaml") == {"seed": 3}
