"""SIGKILL at random moments, the same command again, until it ends; then beside an undisturbed command."""

import random
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.cases import Case
from tests.faults.forks import start
from tests.faults.trees import Content, half_written

LONGEST_S = 600.0


@dataclass
class Losses:
    """What was injected, and what came of it.

    Attributes:
        kills: moments at which a command was killed.
        runs: commands that were killed, started again and came to their end.
        half_written: files that a kill left unreadable.
        made_again: finished pieces of work that a later start made once more.
        differing: files that differ from an undisturbed command's.
        failed: starts that ended otherwise than well.
    """

    kills: int = 0
    runs: int = 0
    half_written: list[str] = field(default_factory=list)
    made_again: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All that was lost."""
        return len(self.half_written) + len(self.made_again) + len(self.differing) + len(self.failed)


def inject_kills(case: Case, data: Path, work: Path, kills: int, seed: int = 0) -> Losses:
    """Kill the command of ``case`` so many times, in as many runs as that takes."""
    draw = random.Random(seed)
    begun = time.monotonic()
    undisturbed = undisturbed_result(case, data, work / "undisturbed")
    seconds = time.monotonic() - begun
    losses = Losses()
    while losses.kills < kills:
        out = work / f"run-{losses.runs}"
        ended = False
        while not ended:
            ended = _start_and_kill(case, data, out, draw, seconds if losses.kills < kills else LONGEST_S, losses)
        compare(undisturbed, case.result(out), losses)
        losses.runs += 1
        shutil.rmtree(out)
    return losses


def undisturbed_result(case: Case, data: Path, out: Path) -> Content:
    """What the command of ``case`` leaves in ``out`` when nothing happens to it."""
    fork = start(case.words(data, out), out)
    if fork.wait(LONGEST_S) != 0:
        raise RuntimeError(f"{case.name} does not end well undisturbed:\n{fork.said()}")
    return case.result(out)


def compare(expected: Content, found: Content, losses: Losses) -> None:
    """Count the files that differ, or that only one of both has."""
    names = set(expected) | set(found)
    losses.differing += sorted(name for name in names if expected.get(name) != found.get(name))


def _start_and_kill(case: Case, data: Path, out: Path, draw: random.Random, seconds: float, losses: Losses) -> bool:
    """Start the command; kill it before ``seconds`` are over. True where it came to its end instead."""
    made = {path: path.stat().st_mtime_ns for path in _units(case, out)}
    fork = start(case.words(data, out), out)
    code = fork.wait(draw.uniform(0, seconds) if seconds < LONGEST_S else seconds)
    if code is None:
        # Every second time its workers are left alive, as they are when the system kills for memory.
        fork.kill(signal.SIGKILL, group=draw.random() < 0.5)
        fork.wait(LONGEST_S)
        losses.kills += 1
    elif code != 0:
        losses.failed.append(fork.said()[-500:])
    again = [path for path, when in made.items() if not path.exists() or path.stat().st_mtime_ns != when]
    losses.made_again += [str(path.relative_to(out)) for path in again]
    losses.half_written += half_written(out)
    return code is not None


def _units(case: Case, out: Path) -> list[Path]:
    found = [path for path in out.glob(case.units) if path.is_file()]
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(out).parts)]
