"""Configurations that come from a file: only what mer itself offers is ever made of them."""

import importlib
import inspect
from collections.abc import Collection, Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mer.errors import MerError

# Packages whose public classes and functions a configuration may name: none of them writes a file when it is made.
_OFFERED = (
    *("mer.align", "mer.apex", "mer.datasets", "mer.features", "mer.flow", "mer.handcrafted", "mer.labels"),
    *("mer.magnify", "mer.models", "mer.protocols"),
)
_OTHERS = ("torch.optim", "torch.optim.lr_scheduler")
# In a run's config.yaml, but never made again from there.
_NEVER_MADE = ("trainer", "engine", "logger", "synthetic")
_HYDRA = ("_args_", "_convert_", "_partial_", "_recursive_", "_target_")


def trusted_config(content: Any, where: str, trusted: Collection[str] = ()) -> DictConfig:
    """``content`` as a configuration of which parts may be made, without the groups that nobody makes again.

    Args:
        content: what a YAML or JSON file held.
        where: names the file in the error.
        trusted: dotted names of classes beside mer's own that the user vouches for.

    Raises:
        MerError: it is no mapping, holds an interpolation (``${...}``), or names something to make (``_target_``) that
            is neither mer's nor vouched for.
    """
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise MerError("settings by name", f"{type(content).__name__} in {where}", "give a run that mer wrote")
    kept = {name: value for name, value in content.items() if name not in _NEVER_MADE}
    for key, value in _leaves(kept):
        name = key.rpartition(".")[2]
        if isinstance(value, str) and "${" in value:
            raise MerError("resolved settings", f"{key}: {value!r} in {where}", "give a run that mer wrote")
        if name == "_target_":
            _require_offered(value, where, trusted)
        elif name.startswith("_") and name.endswith("_") and name not in _HYDRA:
            raise MerError("mer's own settings", f"{key} in {where}", "give a run that mer wrote")
    config: DictConfig = OmegaConf.create(kept)
    return config


def _require_offered(target: Any, where: str, trusted: Collection[str]) -> None:
    if isinstance(target, str) and (target in trusted or _is_offered(target)):
        return
    remedy = "if you know that class and trust it, add it to trust=[...]"
    raise MerError("a _target_ that mer offers", f"{target!r} in {where}", remedy)


def _is_offered(target: str) -> bool:
    """Whether ``target`` is ``package.Name``, with nothing between, of a public class or function."""
    package, _, name = target.rpartition(".")
    if package in _OTHERS:
        return inspect.isclass(getattr(importlib.import_module(package), name, None))
    return package in _OFFERED and name in importlib.import_module(package).__all__


def _leaves(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, dict):
        for name, value in content.items():
            key = f"{prefix}.{name}" if prefix else str(name)
            if name == "_target_":
                yield key, value
            else:
                yield from _leaves(value, key)
    elif isinstance(content, (list, tuple)):
        for number, value in enumerate(content):
            yield from _leaves(value, f"{prefix}.{number}")
    else:
        yield prefix, content
