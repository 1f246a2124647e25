"""Settings against what the parts they name take: each value's type, before anything is made of it."""

import inspect
import types
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AnySet
from pathlib import Path
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError

from mer.errors import MerError

# Groups of which something is made in every verb that has them.
_MADE = (
    *("dataset", "labels", "align", "apex", "magnify", "flow", "features", "augment", "synthetic", "model"),
    *("protocol", "trainer", "engine", "recognition.optimizer"),
)
# What stands at the root of a verb's configuration.
_ROOT: Mapping[str, Any] = {
    **dict.fromkeys(("name", "sweep_name", "store", "outputs"), str),
    **dict.fromkeys(("seed", "batch_size"), int),
    "run_dir": str | None,
    **dict.fromkeys(("share_run", "show_faces", "json"), bool),
}
_FLAGS: Mapping[str, Any] = {"_target_": str, "_partial_": bool, "_recursive_": bool, "_convert_": str}
_SEQUENCES = (list, tuple, Sequence, Collection, typing.Iterable, AnySet)
_SHOWN = 60
_LARGEST = 2**63 - 1


def require_fitting(cfg: DictConfig) -> None:
    """Check the values of all parts of mer's that ``cfg`` names, and of its root.

    Raises:
        MerError: one is of another type than its part's signature says; a group names nothing to make; or a whole
            number is beyond 64 bits.
    """
    try:
        content: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=False)
    except InterpolationResolutionError:  # a part refers to another that this verb has not: the verb knows what to say
        return
    for name, hint in _ROOT.items():
        if name in content:
            _require(name, content[name], hint)
    for name in _MADE:
        group = _at(content, name)
        if isinstance(group, dict) and group and "_target_" not in group:
            raise MerError(f"{name}._target_", "none", f"leave {name} as one of its files in conf/ has it")
    _require_numbers("", content)
    for path, node in _nodes(content, ""):
        _check_node(path, node)


def fits(value: object, hint: Any) -> bool:
    """Whether ``value``, as YAML gives it, may stand for an argument annotated ``hint``; True where no one can tell.

    >>> fits(3, float), fits("3", float), fits([1, 2], tuple[int, int]), fits([1], tuple[int, int])
    (True, False, True, False)
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if hint in (None, type(None)):
        return value is None
    if hint in (bool, str):
        return isinstance(value, hint)
    if hint in (int, float):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and (hint is float or isinstance(value, int) or float(typing.cast(Any, value)).is_integer())
    if hint is Path:
        return isinstance(value, str)
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return isinstance(value, list) and len(value) == len(arguments) and all(map(fits, value, arguments))
    if origin in _SEQUENCES:
        return isinstance(value, list) and all(fits(one, arguments[0]) for one in value) if arguments else True
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, dict) and all(fits(one, arguments[1]) for one in value.values())
    return True


def _require_numbers(path: str, value: object) -> None:
    if isinstance(value, dict):
        for name, one in value.items():
            _require_numbers(f"{path}.{name}" if path else str(name), one)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            _require_numbers(f"{path}.{number}", one)
    elif isinstance(value, int) and abs(value) > _LARGEST:
        raise MerError(f"{path} of 64 bits", "a larger whole number", f"change {path}")


def _check_node(path: str, node: Mapping[str, Any]) -> None:
    for name, hint in _FLAGS.items():
        if name in node:
            _require(f"{path}.{name}", node[name], hint)
    if not str(node.get("_target_", "")).startswith("mer."):
        return
    hints = _hints(str(node["_target_"]))
    for name, value in node.items():
        if name in hints and not _is_part(value) and not _is_missing(value):
            _require(f"{path}.{name}", value, hints[name])


def _require(name: str, value: object, hint: Any) -> None:
    if not fits(value, hint) and not _is_missing(value):
        expected = hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
        told = repr(value) if len(repr(value)) <= _SHOWN else f"{repr(value)[:_SHOWN]}.."
        raise MerError(f"{name} to be {expected}", told, f"change {name}")


def _hints(target: str) -> Mapping[str, Any]:
    """Annotations of what ``target`` takes; none where it is not there, which making it will say."""
    try:
        made = get_object(target)
        return typing.get_type_hints(made.__init__ if inspect.isclass(made) else made)
    except Exception:  # whatever a module does when it is imported
        return {}


def _nodes(content: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(content, dict):
        if "_target_" in content:
            yield path, content
        for name, value in content.items():
            yield from _nodes(value, f"{path}.{name}" if path else str(name))
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from _nodes(value, f"{path}.{number}")


def _at(content: Any, path: str) -> Any:
    for name in path.split("."):
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _is_part(value: object) -> bool:
    return isinstance(value, dict) and "_target_" in value


def _is_missing(value: object) -> bool:
    return value == "???"
