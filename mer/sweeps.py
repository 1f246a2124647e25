"""What the jobs of a sweep came to: told by each job, wherever it ran, and shown when all have ended."""

import contextlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.box import SIMPLE_HEAD
from rich.table import Table

from mer.claims import is_signed_by_the_dead, sign
from mer.errors import MerError
from mer.files import atomic_file

_SWEEP_FILE = "+sweep="
_JOBS, _LAUNCHER = ".jobs-", "launcher"


@dataclass(frozen=True)
class Outcome:
    """What one job came to.

    Attributes:
        number: of the job, from 1.
        overrides: its words, the swept ones and those that all jobs share.
        scores: what its verb returned.
        reason: why it failed; empty where it did not.
        code: exit code that the job alone would have had.
        objective: the score that a search maximises; None where there is no search.
        table: whether the verb prints for people, not JSON.
    """

    number: int
    overrides: tuple[str, ...]
    scores: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    code: int = 0
    objective: str | None = None
    table: bool = True


class SweepRecords(Callback):
    """Collects outcomes by way of files, since a launcher's workers may be on other machines.

    Hydra builds it from an override that :meth:`override` makes, and tells it where the sweep's folder is.
    """

    _folders: ClassVar[dict[str, Path]] = {}

    def __init__(self, launch: str) -> None:
        self.launch = launch

    @staticmethod
    def override(launch: str) -> str:
        """The word that has Hydra build the callback."""
        return f"+hydra.callbacks.sweep_records={{_target_:{__name__}.SweepRecords,launch:{launch}}}"

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Keep in mind where the outcomes will lie; remove those of sweeps that were killed."""
        sweep = Path(config.hydra.sweep.dir)
        for killed in [one for one in sweep.glob(f"{_JOBS}*") if is_signed_by_the_dead(one / _LAUNCHER)]:
            shutil.rmtree(killed, ignore_errors=True)
        folder = self._folders[self.launch] = _folder(sweep, self.launch)
        with contextlib.suppress(OSError):  # the first job that cannot write says so
            folder.mkdir(parents=True, exist_ok=True)
            sign(folder / _LAUNCHER)

    @classmethod
    def collect(cls, launch: str) -> list[Outcome]:
        """Read and remove the outcomes of ``launch``, in the order of the jobs."""
        folder = cls._folders.pop(launch, None)
        if folder is None or not folder.is_dir():
            return []
        kept = [json.loads(file.read_text()) for file in folder.glob("*.json")]
        shutil.rmtree(folder, ignore_errors=True)
        outcomes = [Outcome(**one | {"overrides": tuple(one["overrides"])}) for one in kept]
        return sorted(outcomes, key=lambda one: one.number)


def new_launch() -> str:
    """A name for one start of a sweep."""
    return uuid4().hex


def record(launch: str, **came_to: Any) -> None:
    """Leave the outcome of the job that runs now where :meth:`SweepRecords.collect` finds it."""
    hydra = HydraConfig.get()
    outcome = Outcome(int(hydra.job.num) + 1, tuple(hydra.overrides.task), **came_to)
    path = _folder(Path(hydra.sweep.dir), launch) / f"{outcome.number}-{os.getpid()}.json"
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(vars(outcome)))


def is_sweep_job() -> bool:
    """True inside a job of ``-m``."""
    return bool(HydraConfig.get().mode == RunMode.MULTIRUN)


def require_multirun() -> None:
    """Raise where a file of ``conf/sweep`` is asked for outside a sweep: its values would be passed over.

    Raises:
        MerError: there is no ``-m``.
    """
    hydra = HydraConfig.get()
    if hydra.mode != RunMode.MULTIRUN and hydra.sweeper.get("params"):
        chosen = hydra.runtime.choices.get("sweep")
        raise MerError(f"-m for {_SWEEP_FILE}{chosen}", "one run", "write `mer VERB -m ...`")


def swept(outcomes: Sequence[Outcome]) -> list[str]:
    """For each job the words that not all jobs share, or ``job N`` where there are none."""
    shared = set.intersection(*(set(one.overrides) for one in outcomes)) if outcomes else set()
    told = [" ".join(word for word in one.overrides if word not in shared) for one in outcomes]
    return [words or f"job {one.number}" for words, one in zip(told, outcomes, strict=True)]


def sweep_table(outcomes: Sequence[Outcome]) -> Table:
    """A row a job: the words that tell it from the others, and its scores."""
    table = Table(title=f"{len(outcomes)} jobs", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("job", justify="right")
    table.add_column("overrides", overflow="fold")
    names = list(dict.fromkeys(name for one in outcomes for name in one.scores))
    for name in names:
        table.add_column(name, no_wrap=True)
    for one, words in zip(outcomes, swept(outcomes), strict=True):
        scores = ["failed"] if one.reason else [f"{one.scores[name]:.4f}" for name in names]
        table.add_row(str(one.number), words, *scores)
    return table


def best_of(outcomes: Sequence[Outcome]) -> str | None:
    """A line on the job that a search found best; None where the jobs were no search."""
    scored = [
        (one.scores[one.objective], one.objective, words)
        for one, words in zip(outcomes, swept(outcomes), strict=True)
        if one.objective is not None and one.objective in one.scores
    ]
    if not scored:
        return None
    value, objective, words = max(scored, key=lambda row: row[0])
    return f"best {objective} on the tuning subjects, {value:.4f}: {words}"


def failures(outcomes: Sequence[Outcome]) -> list[str]:
    """A line a failed job: its words and the reason."""
    pairs = zip(outcomes, swept(outcomes), strict=True)
    return [f"job {one.number} of {len(outcomes)} failed, {words}: {one.reason}" for one, words in pairs if one.reason]


def _folder(sweep: Path, launch: str) -> Path:
    return sweep / f"{_JOBS}{launch}"
