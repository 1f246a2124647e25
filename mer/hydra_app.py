"""Runs a verb's task under Hydra, with mer's own configuration folder."""

import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from mer.errors import FailedJobsError, MerError
from mer.interrupts import heeding_ctrl_c
from mer.messages import user_message
from mer.progress import output, say
from mer.settings import require_fitting
from mer.sweeps import (
    Outcome,
    SweepRecords,
    best_of,
    failures,
    is_sweep_job,
    new_launch,
    record,
    require_multirun,
    sweep_table,
)

Task = Callable[[DictConfig], Mapping[str, float] | None]

_BAD_INPUT = 2
_DEFECT = 1
_OVERRIDE = re.compile(r"~|[^-=][^=]*=")
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


def run_hydra(verb: str, task: Task, arguments: Sequence[str]) -> None:
    """Compose ``conf/<verb>.yaml`` with ``arguments`` and call ``task``, once or, with ``-m``, once a job.

    A job that fails does not stop the other jobs. When all have ended, their scores are printed as one table.

    Args:
        verb: names the root configuration.
        task: returns the scores of a job, if it has any.
        arguments: Hydra's words.

    Raises:
        FailedJobsError: jobs of a sweep did.
        MerError: an empty word.
    """
    if "" in arguments:  # of which its parser would print its whole usage
        raise MerError("settings as name=value", "an empty word", "leave it out")
    # Hydra would print its own many-line message and exit with 1: let mer.cli say it in one.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    launch = new_launch()

    refused: list[Exception] = []
    composed: list[DictConfig] = []

    def job(cfg: DictConfig) -> float | None:
        composed.append(cfg)
        if is_sweep_job():
            return _job_of_sweep(task, cfg, launch)
        _job_alone(task, cfg, refused)
        return None

    sys.argv = [f"mer {verb}", *_in_order([*_with_models(arguments), SweepRecords.override(launch)])]
    outcomes: list[Outcome] = []
    try:
        hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=verb)(job)()
    except BrokenPipeError:  # who reads the help has what he wanted
        raise
    except Exception as error:  # a search gives up where its trials fail: why they did is the message
        outcomes = SweepRecords.collect(launch)
        if not composed and not outcomes and user_message(error) is None:
            # Hydra's own code falls over some words, groups that are given a number for one.
            told = " ".join(str(error).split()) or type(error).__name__
            raise MerError("settings that compose", told, f"see `mer {verb} --help`") from error
        if not failures(outcomes):
            raise
        say(f"the sweep stopped, {type(error).__name__}: {' '.join(str(error).split())}")
    finally:
        outcomes = outcomes or SweepRecords.collect(launch)
    if refused:
        raise refused[0]
    _tell(outcomes)


def show_help(verb: str, words: Sequence[str]) -> None:
    """Print what Hydra says of ``verb`` for the help flags ``words``."""
    run_hydra(verb, lambda _: None, words)


def with_paths(words: Iterable[str], names: Collection[str]) -> list[str]:
    """``words`` with the values of settings ``names`` in quotes: paths of a sweep's runs have ``=`` in them.

    >>> with_paths(["run=outputs/alpha=20", "folds=[a,b]"], ["run"])
    ["run='outputs/alpha=20'", 'folds=[a,b]']
    """
    return [_quoted(word) if word.partition("=")[0] in names else word for word in words]


def _quoted(word: str) -> str:
    name, _, value = word.partition("=")
    is_plain = value in ("", "null") or value[0] in "'\"" or "'" in value or value.endswith("\\")
    return word if is_plain else f"{name}='{value}'"


def _in_order(words: Sequence[str]) -> list[str]:
    """Flags and their values before all overrides: Hydra's parser takes no flag among these."""
    return sorted(words, key=lambda word: _OVERRIDE.match(word) is not None)


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


def command_line() -> list[str] | None:
    """The words that do again what runs now, of a sweep the job in hand alone; None outside Hydra."""
    if not HydraConfig.initialized():
        return None
    hydra = HydraConfig.get()
    flags = ["-m"] if hydra.mode == RunMode.MULTIRUN else []
    return ["mer", str(hydra.job.config_name), *flags, *hydra.overrides.task]


def _tell(outcomes: Sequence[Outcome]) -> None:
    """Print what the jobs of a sweep came to; raise where one failed."""
    if any(one.scores for one in outcomes) and all(one.table for one in outcomes):
        output().print(sweep_table(outcomes))
    if best := best_of(outcomes):
        say(best)
    if lines := failures(outcomes):
        raise FailedJobsError(lines, min(one.code for one in outcomes if one.reason))


def _job_alone(task: Task, cfg: DictConfig, refused: list[Exception]) -> None:
    """The task as the one job; a user's error is kept from Hydra, which would print lines of its own before it."""
    try:
        require_multirun()
        require_fitting(cfg)
        with heeding_ctrl_c():
            task(cfg)
    except Exception as error:
        if user_message(error) is None:
            raise
        refused.append(error)


def _job_of_sweep(task: Task, cfg: DictConfig, launch: str) -> float | None:
    """The task as a job among others: whatever goes wrong in it is told at the end."""
    table = not cfg.get("json")
    try:
        require_fitting(cfg)
        with heeding_ctrl_c():
            scores = task(cfg)
        value = _value(cfg, scores)
    except Exception as error:
        if os.environ.get("MER_DEBUG"):
            traceback.print_exc()
        message = user_message(error)
        defect = f"{type(error).__name__}: {' '.join(str(error).split())}; MER_DEBUG=1 shows where"
        record(launch, reason=message or defect, code=_BAD_INPUT if message else _DEFECT, table=table)
        return None
    record(launch, scores=dict(scores or {}), objective=cfg.get("objective"), table=table)
    return value


def _value(cfg: DictConfig, scores: Mapping[str, float] | None) -> float | None:
    """What a search is told of a job."""
    objective = cfg.get("objective")
    return float(scores[objective]) if scores and objective else None
