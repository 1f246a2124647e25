"""The ``mer`` commands that the documentation shows, as words."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mer.cli import VERBS

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`(mer [^`]+)`(?!`)")
_SHELLS = ("sh", "bash", "console")
_PLACEHOLDER = "..."


@dataclass(frozen=True)
class Command:
    """One command as written: where, its verb and the words after it."""

    place: str
    verb: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.place}: mer {self.verb} {shlex.join(self.words)}"


def pages() -> list[Path]:
    """Every Markdown file of the repository that a reader meets."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for folder in ("docs", "experiments", "mer"):
        found += sorted((ROOT / folder).rglob("*.md"))
    return found


def shown_commands() -> list[Command]:
    """All of them, from fenced shell blocks and from code in running text."""
    texts = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in pages()}
    return [command for place, text in texts.items() for command in commands_of(text, place)]


def commands_of(markdown: str, place: str) -> Iterator[Command]:
    """The commands that one page shows."""
    for match in _FENCE.finditer(markdown):
        if match[2] in _SHELLS:
            for line in match[3].replace("\\\n", " ").splitlines():
                yield from _parsed(line, place)
    for match in _SPAN.finditer(_FENCE.sub("", markdown)):
        if match[1].split()[1] in VERBS:
            yield from _parsed(" ".join(match[1].split()), place)


def _parsed(line: str, place: str) -> Iterator[Command]:
    words = shlex.split(line, comments=True)
    for part in "\0".join(words).split("\0&&\0"):
        called = [word for word in part.split("\0") if word not in (_PLACEHOLDER, "&")]
        while called and re.fullmatch(r"[A-Z_]+=.*", called[0]):  # an environment variable
            called.pop(0)
        if len(called) > 1 and Path(called[0]).name == "mer":
            yield Command(place, called[1], tuple(called[2:]))
