"""The keys of mer's configuration files and what is said of each: in the YAML's comments, else in its class."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from hydra.utils import get_object

_COMMENT = re.compile(r"\s*#\s?(.*?)\s*$")
_ENTRY = re.compile(r"(\w+)(?: \([^)]*\))?: (.*)")
_OF_HYDRA = ("defaults", "hydra")


Files = Mapping[tuple[str, str], "ConfFile"]


@dataclass(frozen=True)
class Key:
    """A key that holds a value, not others.

    Attributes:
        path: its name below the file, dotted.
        value: as YAML writes it.
        said: what is said of it; "" for nothing.
        owner: ``_target_`` of the innermost mapping around it that has one.
    """

    path: str
    value: str
    said: str
    owner: str | None


@dataclass(frozen=True)
class ConfFile:
    """One file of ``conf/``.

    Attributes:
        group: its folder, "" for a root configuration.
        name: without ``.yaml``.
        header: the comments on its top, joined.
        commands: lines of the header that begin with ``mer``.
        bases: files of the same group, or for a root of the roots, whose keys it takes.
        parts: key -> file of the same group whose keys stand below it.
        target: what its ``_target_`` names.
        keys: all that it sets, in order.
    """

    group: str
    name: str
    header: str
    commands: Sequence[str] = ()
    bases: Sequence[str] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    keys: Sequence[Key] = field(default_factory=list)


def read_conf(folder: Path) -> dict[tuple[str, str], ConfFile]:
    """Every file of ``conf/``, by group and name, each key with what is said of it anywhere."""
    paths = [*sorted(folder.glob("*.yaml")), *sorted(folder.glob("*/*.yaml"))]
    read = [read_file(path, "" if path.parent == folder else path.parent.name) for path in paths]
    files = {(one.group, one.name): one for one in read}
    return {place: _explained(one, files) for place, one in files.items()}


def read_file(path: Path, group: str) -> ConfFile:
    """One file, with the comments that stand in it."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    top = [line[1:].strip() for line in _leading(lines) if not line.startswith("# @package")]
    commands = [line for line in top if line.startswith("mer ")]
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    content: dict[str, Any] = yaml.safe_load(text)
    bases = (
        [base for base in content.get("defaults", ()) if isinstance(base, str) and base != "_self_"] if group else []
    )
    return ConfFile(
        group,
        path.stem,
        " ".join(line for line in top if line not in commands),
        commands,
        [base for base in bases if "@" not in base],
        {part: base for base, at, part in (base.partition("@") for base in bases) if at},
        content.get("_target_"),
        list(_keys(node, lines, "", None)) if isinstance(node, yaml.MappingNode) else [],
    )


def undocumented(files: Files) -> list[str]:
    """``group/name.yaml: key`` of each key of which nothing is said."""
    return [
        f"{Path(one.group, one.name)}.yaml: {key.path}"
        for one in files.values()
        for key in one.keys
        if not key.said and not is_choice(one, key)
    ]


def is_choice(one: ConfFile, key: Key) -> bool:
    """Whether ``key`` only sets what another file documents: Hydra's own keys, and those of a set of overrides."""
    return key.path.split(".")[0] in _OF_HYDRA or one.group in ("experiment", "debug", "sweep", "launcher")


def arguments(target: str) -> dict[str, str]:
    """What the docstring of mer's ``target`` says of each argument. Other projects' sentences are not taken."""
    if not target.startswith("mer."):
        return {}
    named = get_object(target)
    family = [one for one in reversed(getattr(named, "__mro__", (named,))) if one.__module__.startswith("mer.")]
    entries = [_ENTRY.match(line) for one in family for line in _unfolded(_args_part(one.__doc__ or ""))]
    return {entry[1]: entry[2] for entry in entries if entry}


def _args_part(docstring: str) -> str:
    part = re.search(r"^ *Args:\n(.*?)(?=^ *$|\Z)", docstring, re.MULTILINE | re.DOTALL)
    return part[1] if part else ""


def _leading(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith("#"):
            return
        yield line


def _unfolded(block: str) -> list[str]:
    """Entries of a docstring's list, each on one line: lines that stand further in belong to the one before."""
    lines = [line for line in block.splitlines() if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    entries: list[str] = []
    for line in lines:
        if len(line) - len(line.lstrip()) > margin and entries:
            entries[-1] += f" {line.strip()}"
        else:
            entries.append(line.strip())
    return entries


def _keys(node: yaml.MappingNode, lines: Sequence[str], above: str, owner: str | None) -> Iterator[Key]:
    owner = _target_of(node) or owner
    for key, value in node.value:
        path, mark = f"{above}{key.value}", key.end_mark
        if key.value.startswith("_") or path == "defaults":
            continue
        if not isinstance(value, yaml.MappingNode) or value.flow_style:
            yield Key(path, _written(value, lines), _comment_after(value.end_mark, lines), owner)
            continue
        target, comment = _target_of(value), _comment_after(mark, lines) or _comment_above(mark, lines)
        is_one = not target and (comment or key.value in arguments(owner or ""))
        if target or is_one:
            yield Key(path, target or "...", comment, owner)
        if not is_one:
            yield from _keys(value, lines, f"{path}.", owner)


def _target_of(node: yaml.MappingNode) -> str | None:
    return next((value.value for key, value in node.value if key.value == "_target_"), None)


def _comment_after(mark: yaml.Mark, lines: Sequence[str]) -> str:
    rest = lines[mark.line][mark.column :].removeprefix(":") if mark.line < len(lines) else ""
    comment = _COMMENT.match(rest)
    return comment[1] if comment else ""


def _comment_above(mark: yaml.Mark, lines: Sequence[str]) -> str:
    """The line above a key that holds others, unless it is of the comments on top of the file."""
    above = lines[mark.line - 1].strip() if mark.line > len(list(_leading(lines))) else ""
    return above.removeprefix("#").strip() if above.startswith("#") else ""


def _written(value: yaml.Node, lines: Sequence[str]) -> str:
    first, last = value.start_mark, value.end_mark
    if first.line == last.line:
        return lines[first.line][first.column : last.column]
    block = [lines[first.line][first.column :], *lines[first.line + 1 : last.line], lines[last.line][: last.column]]
    return " ".join(line.strip() for line in block)


def _explained(one: ConfFile, files: Files) -> ConfFile:
    target = one.target or next((files[one.group, base].target for base in one.bases), None)
    owned = replace(one, target=target, keys=[replace(key, owner=key.owner or target) for key in one.keys])
    return replace(owned, keys=[replace(key, said=_said(key, owned, files)) for key in owned.keys])


def _said(key: Key, one: ConfFile, files: Files) -> str:
    """Its own comment; else its class's word; else the comment at a key of the same path and class in the group."""
    name = key.path.rsplit(".", 1)[-1]
    if said := key.said or arguments(key.owner or "").get(name, ""):
        return said
    family = [other for other in files.values() if other.group == one.group and other.target == one.target]
    alike = [twin for other in family for twin in other.keys if twin.path == key.path]
    return next((twin.said for twin in alike if twin.said), "")
