"""Runs a verb's task under Hydra, with mer's own configuration folder."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from mer.errors import MerError, SaidError
from mer.messages import user_message
from mer.progress import say

_MULTIRUN = ("-m", "--multirun")
_WITH_MODEL = re.compile(r"(flow)=(\w+:\w+(?:,\w+:\w+)*)")


def conf_dir() -> Path:
    """Folder of the Hydra configuration: ``conf/`` of the checkout, or ``mer/conf`` where mer is installed.

    Raises:
        MerError: neither is there.
    """
    package = Path(__file__).resolve().parent
    for folder in (package.parent / "conf", package / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise MerError("mer's conf folder", f"none beside {package}", "install mer again")


def run_hydra(verb: str, task: Callable[[DictConfig], object], arguments: Sequence[str]) -> None:
    """Compose ``conf/<verb>.yaml`` with ``arguments`` and call ``task``, once or, with ``-m``, once a job.

    A job that ends in a user's error does not stop the other jobs; the error is raised when all have run.
    """
    # Hydra would print its own many-line message and exit with 1: let mer.cli say it in one.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    failures: list[Exception] = []
    process = os.getpid()

    def job(cfg: DictConfig) -> None:
        try:
            task(cfg)
        except Exception as error:
            message = user_message(error)
            if message is None:
                raise
            if os.getpid() != process:  # a launcher's worker can only hand it back through Hydra
                raise SaidError(message) from None
            failures.append(error)

    # Hydra's parser takes -m before or after the overrides, but not among them.
    sweep = [word for word in arguments if word in _MULTIRUN]
    sys.argv = [f"mer {verb}", *sweep, *_with_models(word for word in arguments if word not in _MULTIRUN)]
    hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=verb)(job)()
    for error in failures[:-1]:
        say(f"mer: {user_message(error)}")
    if failures:
        raise failures[-1]


def _with_models(arguments: Iterable[str]) -> Iterator[str]:
    """``flow=ptlflow:raft`` as Hydra takes it: ``flow=ptlflow flow.model=raft``; in a sweep all of one group."""
    for word in arguments:
        match = _WITH_MODEL.fullmatch(word)
        if match is None:
            yield word
            continue
        choices, models = zip(*(choice.split(":", 1) for choice in match[2].split(",")), strict=True)
        if len(set(choices)) > 1:
            raise MerError(f"{match[1]}=NAME:MODEL of one NAME", word, "sweep over these in two commands")
        yield f"{match[1]}={choices[0]}"
        yield f"{match[1]}.model={','.join(models)}"


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The resolved configuration as plain values."""
    container: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    return dict(container)
