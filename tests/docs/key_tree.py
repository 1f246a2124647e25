"""Which keys a Hydra verb has under given choices of its groups, from the YAMLs alone: quicker than Hydra is."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from mer.hydra_app import conf_dir

_APART = ("experiment", "sweep", "debug", "launcher")  # these change other groups and have no keys of their own
Tree = dict[str, Any]


def key_tree(verb: str, chosen: Mapping[str, str]) -> Tree:
    """The configuration of ``verb`` as nested dictionaries, its values as the files have them.

    Raises:
        FileNotFoundError: no such choice.
    """
    root = _root(verb)
    files = [_load(group, chosen[group]) for group in _APART if group in chosen]
    choices = _choices(root) | {name: choice for file in files for name, choice in _overridden(file).items()}
    choices |= chosen
    tree: Tree = {"hydra": {}}
    for group, choice in choices.items():
        if group not in _APART and choice is not None:
            tree[group] = _group(group, choices["dataset"] if choice == "${dataset}" else choice)
    for file in (root, *files):
        _merge(tree, file)
    return tree


def _root(verb: str) -> Tree:
    root = _load("", verb)
    if "train" not in root["defaults"]:
        return root
    train = _load("", "train")
    return _merge(_merge({}, train), root) | {"defaults": train["defaults"]}


def _choices(root: Tree) -> dict[str, str | None]:
    entries = [entry for entry in root["defaults"] if isinstance(entry, dict)]
    return {name: choice for entry in entries for name, choice in entry.items() if not name.startswith("override")}


def _overridden(file: Tree) -> dict[str, str]:
    entries = [entry for entry in file.get("defaults", ()) if isinstance(entry, dict)]
    given = {name.removeprefix("override /"): choice for entry in entries for name, choice in entry.items()}
    return {name: choice for name, choice in given.items() if not name.startswith("hydra")}


def _group(group: str, choice: str) -> Tree:
    tree: Tree = {}
    for base in _load(group, choice).get("defaults", ()):
        name, _, part = str(base).partition("@")
        if part:
            above, _, last = part.rpartition(".")
            tree.setdefault(above, {})[last] = _group(group, name)
        elif name != "_self_":
            _merge(tree, _group(group, name))
    return _merge(tree, _load(group, choice))


@cache
def _load(group: str, name: str) -> Tree:
    text = (conf_dir() / group / f"{name}.yaml").read_text(encoding="utf-8")
    loaded: Tree = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
    return loaded


def _merge(tree: Tree, other: Mapping[str, Any]) -> Tree:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            tree[key] = _merge(dict(tree[key]), value)
        elif key != "defaults":
            tree[key] = value
    return tree
