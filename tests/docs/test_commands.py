"""Every ``mer`` command that a page shows is one that mer takes: its verb, its flags, its groups and its keys."""

import argparse
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf

from mer.cli import VERBS
from mer.hydra_app import conf_dir
from tests.docs.commands import Command, commands_of, shown_commands
from tests.docs.key_tree import key_tree

GROUPS = {path.name for path in conf_dir().iterdir() if path.is_dir()}
HYDRA_VERBS = {path.stem for path in conf_dir().glob("*.yaml")}
FLAGS = {"-m", "--size", "--prune", "--help", "--cfg", "--config-dir"}
PLUGINS = {"slurm": "submitit", "local": "submitit", "joblib": "joblib", "ray": "ray"}
ANY = "NAME"  # stands in the pages for a choice of the reader's
COMMANDS = shown_commands()


class ParsedError(Exception):
    """The parser took the words; the verb is not to run."""


def require_taken(command: Command) -> None:
    """Fail where mer would not take the command."""
    assert command.verb in VERBS, f"no such verb: {command}"
    if command.verb in HYDRA_VERBS:
        require_words(command)
    elif command.words:
        require_parsed(command)


def require_parsed(command: Command) -> None:
    def parse(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
        _, unknown = parser.parse_known_args(list(words))
        raise ParsedError(unknown)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(argparse.ArgumentParser, "parse_args", parse)
        with pytest.raises(ParsedError) as parsed:
            import_module(f"mer.verbs.{command.verb}").main(list(command.words))
    assert parsed.value.args == ([],), f"no such flag: {command}"


def require_words(command: Command) -> None:
    unknown = {word for word in command.words if word.startswith("-")} - FLAGS
    assert not unknown, f"no such flag: {command}"
    overrides = parsed_overrides(command)
    chosen = {one.key_or_group: choices(one) for one in overrides if one.key_or_group in GROUPS}
    for number in range(max([len(names) for names in chosen.values()], default=1)):
        picked = {group: names[number % len(names)] for group, names in chosen.items() if names != [ANY]}
        own = {group for group, name in picked.items() if "--config-dir" in command.words and not is_file(group, name)}
        picked = {group: name for group, name in picked.items() if group not in own}
        tree = key_tree(command.verb, picked)
        for one in overrides:
            known = one.is_force_add() or one.key_or_group.split("@")[0] in GROUPS or holds(tree, one.key_or_group)
            elsewhere = one.key_or_group.split(".")[0] in {"hydra", *own}
            assert known or elsewhere, f"no key {one.key_or_group}: {command}"


def is_file(group: str, name: str) -> bool:
    return (conf_dir() / group / f"{name}.yaml").is_file()


def parsed_overrides(command: Command) -> list[Override]:
    """The command's words as Hydra reads them; those that the verb itself understands are brought to that form."""
    words = [word for word in command.words if "=" in word and not word.endswith("=")]
    if command.verb == "magnify":
        from mer.verbs.magnify import _SHORT

        words = [_SHORT.sub(r"magnify.\1=", word, count=1) for word in words]
    if command.verb == "predict":  # its model= is a file, not a file of conf/model
        words = [word.replace("model=", "model_file=") if word.startswith("model=") else word for word in words]
    words = [word.split(":")[0] if word.startswith("flow=") else word for word in words]
    return OverridesParser.create().parse_overrides(words)


def choices(override: Override) -> list[str]:
    """The files that an override of a group names, several where it sweeps."""
    if override.is_choice_sweep():
        return [str(value) for value in override.sweep_string_iterator()]
    return [str(override.value())]


def holds(tree: dict[str, Any], key: str) -> bool:
    at: Any = tree
    for name in key.split("."):
        if not isinstance(at, dict) or name not in at:
            return False
        at = at[name]
    return True


@pytest.mark.parametrize("place", sorted({command.place for command in COMMANDS}))
def test_commands_of_a_page_are_taken(place: str) -> None:
    for command in COMMANDS:
        if command.place == place:
            require_taken(command)


def test_commands_that_set_up_a_launcher_compose() -> None:
    seen = set()
    for command in COMMANDS:
        words = [word for word in command.words if "=" in word and "..." not in word]
        launcher = next((word.split("=")[1] for word in words if word.startswith("launcher=")), None)
        of_hydra = tuple(word for word in words if "hydra." in word.split("=")[0])
        if launcher is None or not of_hydra or find_spec(f"hydra_plugins.hydra_{PLUGINS[launcher]}_launcher") is None:
            continue
        if (launcher, of_hydra) not in seen:
            with initialize_config_dir(str(conf_dir()), version_base="1.3"):
                compose("train", [f"launcher={launcher}", *of_hydra], return_hydra_config=True)
        seen.add((launcher, of_hydra))


@pytest.mark.parametrize("words", [(), ("dataset=composite", "features=uvm_grey", "experiment=demo")])
def test_keys_are_those_that_hydra_composes(words: tuple[str, ...]) -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        composed = OmegaConf.to_container(compose("train", ["name=x", *words]), resolve=False)
    ours = key_tree("train", dict(word.split("=") for word in words))
    assert names(ours | {"hydra": None}) == names({"hydra": None} | dict(composed))  # type: ignore[call-overload]


def names(tree: Any) -> Any:
    return {key: names(value) for key, value in tree.items()} if isinstance(tree, dict) else None


@pytest.mark.parametrize(
    "line",
    [
        "mer tarin dataset=casme2",
        "mer train datset=casme2",
        "mer train dataset=casme9",
        "mer train engine.workers=4",
        "mer train dataset=casme2 --quick",
        "mer compare RUN --agianst RUN",
        "mer train -m magnify=evm,phase magnify.lambda_c=16",
    ],
)
def test_a_command_that_mer_does_not_take_is_found(line: str) -> None:
    (command,) = commands_of(f"```sh\n{line}\n```\n", "here")
    with pytest.raises((AssertionError, FileNotFoundError, SystemExit)):
        require_taken(command)


def test_commands_are_found_in_blocks_and_in_text() -> None:
    shell = "```sh\nA=1 mer train -m x=1,2 \\\n    y=3   # why\n```\n"
    page = f"Run `mer score FILE`.\n\n{shell}\n```python\nmer train z=1\n```\n"
    found = [(one.verb, one.words) for one in commands_of(page, "here")]
    assert found == [("train", ("-m", "x=1,2", "y=3")), ("score", ("FILE",))]
