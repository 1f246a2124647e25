"""Pages that are made when the site is built: each key of the configuration, and the Python names of each package.

They are not kept in the repository: a copy would be out of date with the next change of a YAML.
``python docs/generate/pages.py DIR`` writes them to a folder.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from inspect import getdoc
from pathlib import Path

import yaml
from keys import ConfFile, Files, Key, read_conf, undocumented

from mer.hydra_app import conf_dir

PACKAGES = ("magnify", "flow", "features", "models", "metrics", "protocols", "align", "apex", "datasets", "labels")
PACKAGES += ("handcrafted", "engines", "synth", "tracking", "explain", "export", "predict")
AS_FILES = {
    "experiment": "What one published row, or the demo, sets. `mer train experiment=NAME ...`",
    "sweep": "Values that a sweep tries. `mer train -m +sweep=NAME ...`; more in [Sweeps](../sweeps.md).",
    "launcher": "Where jobs run. `launcher=NAME`; more in [Jobs side by side](../launchers.md).",
    "debug": "A short run that asks whether the path works. `mer train debug=NAME ...`",
}
TITLES = {
    "dataset": "Which clips",
    "labels": "What their classes are",
    "align": "How faces are cropped",
    "apex": "Where the apex is",
    "magnify": "How motion is magnified",
    "flow": "How flow is computed",
    "features": "What the branches see",
    "augment": "How training clips are varied",
    "synthetic": "Which clips train beside the real ones",
    "model": "What is trained",
    "recognition": "Optimizer and loss",
    "protocol": "Which clips train, which are predicted",
    "trainer": "How a fold is trained",
    "engine": "How folds are trained",
    "logger": "Who follows a run",
    "synth": "What synthetic clips are like",
}


_DOCS = re.compile(r"\bdocs/([\w-]+)\.md")


class UndocumentedKeysError(Exception):
    """Keys of which neither the YAML nor the class says anything."""


def configuration_pages(conf: Path) -> dict[str, str]:
    """Path of each page below the site, and its Markdown.

    Raises:
        UndocumentedKeysError: a key has no comment, in its file or its class.
    """
    files = read_conf(conf)
    if silent := undocumented(files):
        raise UndocumentedKeysError("say in a comment or in the class's Args what these are for:\n" + "\n".join(silent))
    defaults = _defaults(conf / "train.yaml")
    groups = sorted({group for group, _ in files if group})
    pages = {"configuration/index.md": _index(files, groups, defaults)}
    for group in groups:
        choices = [one for (its, _), one in files.items() if its == group]
        text = _verbatim(group, choices, conf) if group in AS_FILES else _group(group, choices, defaults.get(group))
        pages[f"configuration/{group}.md"] = text
    return pages


def api_pages() -> dict[str, str]:
    """A page a package, of the names in its ``__all__``, and one that lists the packages."""
    said = {name: _first_sentence(f"mer.{name}") for name in PACKAGES}
    rows = "\n".join(f"| [`mer.{name}`]({name}.md) | {line} |" for name, line in said.items())
    table = f"| package | |\n| --- | --- |\n{rows}\n"
    pages = {"api/index.md": f"# Python API\n\nPublic names, a page a package.\n\n{table}"}
    told: set[str] = set()
    for package, line in said.items():
        homes = [_home(package, name) for name in import_module(f"mer.{package}").__all__]
        blocks = [f"::: {home}\n" for home in homes if home not in told]  # a name may be offered by two packages
        told.update(homes)
        pages[f"api/{package}.md"] = "\n".join([f"# mer.{package}\n\n{line}\n", *blocks])
    return pages


def _home(package: str, name: str) -> str:
    """Where a public name is defined: a function may have the name of its own module."""
    module = getattr(getattr(import_module(f"mer.{package}"), name), "__module__", "")
    return f"{module if module.startswith('mer.') else f'mer.{package}'}.{name}"


def experiments_page(readmes: Mapping[str, str]) -> dict[str, str]:
    """The list of experiments, by the path and the text of their READMEs: each one's title and question."""
    rows = []
    for path, text in readmes.items():
        title = text.splitlines()[0].removeprefix("# ")
        question = re.search(r"^\*\*Question\.\*\*(.*?)\n\n", text, re.MULTILINE | re.DOTALL)
        asked = " ".join(question[1].split()) if question else ""
        rows.append(f"| [{title}]({path.removeprefix('experiments/')}) | {_cell(asked)} |")
    head = "# Experiments\n\nEach is a question, a command, the CSV that it wrote, and an answer.\n\n"
    return {"experiments/index.md": head + "\n".join(["| | question |", "| --- | --- |", *rows]) + "\n"}


def _first_sentence(package: str) -> str:
    return (getdoc(import_module(package)) or "").splitlines()[0]


def _defaults(root: Path) -> dict[str, str]:
    entries = yaml.safe_load(root.read_text(encoding="utf-8"))["defaults"]
    return {group: str(choice) for entry in entries if isinstance(entry, dict) for group, choice in entry.items()}


def _index(files: Files, groups: Sequence[str], defaults: dict[str, str]) -> str:
    parts = [_INTRODUCTION, "## Groups\n", "| group | | default | choices |", "| --- | --- | --- | --- |"]
    for group in groups:
        names = ", ".join(f"`{name}`" for its, name in files if its == group)
        default = f"`{defaults[group]}`" if defaults.get(group, "None") not in ("None", "${dataset}") else ""
        title = TITLES.get(group, AS_FILES.get(group, "").split(".")[0])
        parts.append(f"| [`{group}`]({group}.md) | {title} | {default} | {names} |")
    roots = {name: one for (group, name), one in files.items() if not group}
    for verb in sorted(roots, key=lambda verb: (verb != "train", verb)):
        others = [f"All of {', '.join(f'`mer {base}`' for base in roots[verb].bases)}, and:", ""]
        parts += ["", f"## Keys of mer {verb} {{ #{verb} }}", "", *(others if roots[verb].bases else [])]
        parts += _table([key for key in roots[verb].keys if key.path.split(".")[0] != "hydra"])
    return "\n".join(parts) + "\n"


def _group(group: str, choices: Sequence[ConfFile], default: str | None) -> str:
    title = TITLES.get(group, "")
    parts = [f"# {group}: {title[0].lower()}{title[1:]}" if title else f"# {group}", ""]
    for one in sorted(choices, key=lambda one: one.name != default):
        mark = " (default)" if one.name == default else ""
        parts += [f"## {group}={one.name}{mark} {{ #{one.name} }}", ""]
        parts += [_DOCS.sub(r"[\1](../\1.md)", one.header), ""] if one.header else []
        if one.target:
            parts += [f"Builds {_linked(one.target)}.", ""]
        if one.bases:
            parts += [f"Keys as in {', '.join(f'[`{group}={base}`](#{base})' for base in one.bases)}, but for:", ""]
        for part, base in one.parts.items():
            parts += [f"`{group}.{part}.*` are the keys of [`{group}={base}`](#{base}).", ""]
        parts += [*_table(one.keys, f"{group}."), ""] if one.keys or not one.parts else []
    return "\n".join(parts)


def _verbatim(group: str, choices: Sequence[ConfFile], conf: Path) -> str:
    parts = [f"# {group}", "", AS_FILES[group], ""]
    for one in choices:
        text = (conf / group / f"{one.name}.yaml").read_text(encoding="utf-8").strip()
        parts += [f"## {group}={one.name} {{ #{one.name} }}", "", "```yaml", text, "```", ""]
    return "\n".join(parts)


def _table(keys: Sequence[Key], prefix: str = "") -> list[str]:
    rows = [f"| `{prefix}{key.path}` | {_value(key)} | {_cell(key.said)} |" for key in keys]
    return ["| key | default | |", "| --- | --- | --- |", *rows] if rows else ["No keys."]


def _value(key: Key) -> str:
    if key.value == "...":
        return "a table, see the file"
    return _linked(key.value) if key.value.startswith("mer.") else f"`{_cell(key.value)}`"


def _linked(target: str) -> str:
    package, _, name = target.removeprefix("mer.").partition(".")
    public = target.startswith("mer.") and package in PACKAGES and name in import_module(f"mer.{package}").__all__
    return f"[`{target}`](../api/{package}.md#{_home(package, name)})" if public else f"`{target}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")


_INTRODUCTION = """# Configuration

Every key, its default, and what it does; made from `conf/` when this site is built.

A word `group=NAME` takes the file `conf/group/NAME.yaml`, a word `group.key=VALUE` changes one value in it. Both stand
after a verb, in any order: `mer train flow=tvl1 flow.warps=3`. `+key=VALUE` adds a key that is not there. All of it, as
a run would see it, is printed by `mer train ... --cfg job`. `null` means none, `???` that the key has to be given.

The same words work under `mer check`, `mer prepare` and `mer train`. `hydra.*` are Hydra's own keys:
<https://hydra.cc/docs/configure_hydra/intro/>.
"""


def main(folder: Path) -> None:
    """Write all pages below ``folder``."""
    for path, text in (configuration_pages(conf_dir()) | api_pages()).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
