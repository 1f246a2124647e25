"""How to come to a run's numbers again: its command, its versions, its configuration."""

import shlex
from collections.abc import Collection

import yaml

from mer.report.markup import Markup, element, joined, shortened
from mer.runs import Run
from mer.tracking.secrets import known_secrets, masked

_LONGEST_CONFIG = 20_000
_LONGEST_COMMAND = 4_000


def command_of(run: Run) -> str | None:
    """The command line that trained ``run``, secrets and the home folder's name masked; None where it was not kept."""
    words = run.metrics.get("command")
    if not isinstance(words, list) or not words:
        return None
    secrets = known_secrets()
    return shortened(shlex.join(_masked(str(word), secrets) for word in words), _LONGEST_COMMAND)


def reproduction(run: Run) -> Markup:
    """Command, versions, commit and configuration of ``run``."""
    command = command_of(run)
    told = element("pre", element("code", command), tabindex="0") if command else element("p", _NO_COMMAND)
    return joined(
        [
            told,
            element("p", f"{versions_of(run)}; {commit_of(run)}."),
            element("details", element("summary", "config.yaml"), element("pre", _config(run), tabindex="0")),
        ]
    )


def versions_of(run: Run) -> str:
    """Versions of what decides the numbers, in one line."""
    return ", ".join(f"{name} {version}" for name, version in run.metrics["versions"].items() if version)


def commit_of(run: Run) -> str:
    """The commit of mer's checkout, and whether there were changes beside it."""
    commit = run.metrics["git_commit"]
    if not commit:
        return "mer was installed, not run from a git checkout"
    changed = str(commit).endswith("-dirty")
    told = f"git commit {str(commit).removesuffix('-dirty')}"
    return f"{told} with changes that were not committed" if changed else told


_NO_COMMAND = "The command line was not kept with this run; all of its settings stand in config.yaml."


def _config(run: Run) -> Markup:
    text = yaml.safe_dump(masked(dict(run.config), known_secrets()), sort_keys=False, allow_unicode=True)
    return element("code", shortened(text, _LONGEST_CONFIG))


def _masked(word: str, secrets: Collection[str]) -> str:
    """``key=value`` with what must stay at home as ``***``."""
    key, equals, value = word.partition("=")
    return f"{key}={masked({key: value}, secrets)[key]}" if equals else str(masked(word, secrets))
