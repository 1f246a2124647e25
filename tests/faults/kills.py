"""SIGKILL at random moments, the same command again, until it ends; then beside an undisturbed command."""

import math
import random
import re
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults.cases import Case
from tests.faults.forks import start
from tests.faults.losses import Losses
from tests.faults.trees import Content, half_written, left_over

LONGEST_S = 600.0


@dataclass(frozen=True)
class Undisturbed:
    """What a command leaves when nothing happens to it, and how long it takes."""

    result: Content
    seconds: float


def inject_kills(case: Case, data: Path, work: Path, kills: int, minutes: float = math.inf) -> Losses:
    """Kill the command of ``case`` so many times, or for so many minutes, in as many runs as that takes."""
    draw = random.Random(case.seed)
    alone = undisturbed(case, data, work / "undisturbed")
    losses = Losses()
    end = time.monotonic() + 60 * minutes

    def is_enough() -> bool:
        return losses.tries >= kills or time.monotonic() >= end

    while not is_enough():
        out = work / f"run-{losses.runs}"
        while not _start_and_kill(case, data, out, draw, None if is_enough() else alone.seconds, losses):
            pass
        losses.compare(alone.result, case.result(out))
        losses.left_over += left_over(out)
        losses.runs += 1
        shutil.rmtree(out)
    return losses


def undisturbed(case: Case, data: Path, out: Path) -> Undisturbed:
    """Run the command of ``case`` with nothing in its way."""
    begun = time.monotonic()
    fork = start(case.words(data, out), out)
    if fork.wait(LONGEST_S) != 0:
        raise RuntimeError(f"{case.name} does not end well undisturbed:\n{fork.said()}")
    seconds = time.monotonic() - begun
    result = case.result(out)
    if not result:
        raise RuntimeError(f"{case.name} leaves nothing that could be compared")
    shutil.rmtree(out)
    return Undisturbed(result, seconds)


def _start_and_kill(
    case: Case, data: Path, out: Path, draw: random.Random, seconds: float | None, losses: Losses
) -> bool:
    """Start the command; kill it before ``seconds`` are over, if at all. True where it came to its end instead."""
    made = unit_times(case, out)
    fork = start(case.words(data, out), out)
    code = fork.wait(LONGEST_S if seconds is None else draw.uniform(0, seconds))
    if code is None and seconds is None:
        fork.kill(signal.SIGKILL)
        raise RuntimeError(f"{case.name} does not end:\n{fork.said()}")
    if code is None:
        # Every second time its workers are left alive, as they are when the system kills for memory.
        fork.kill(signal.SIGKILL, group=draw.random() < 0.5)
        fork.wait(LONGEST_S)
        losses.tries += 1
    elif code != 0:
        losses.failed.append(fork.said()[-500:])
    losses.made_again += made_again(case, out, made, fork.said())
    losses.half_written += half_written(out)
    return code is not None


def unit_times(case: Case, out: Path) -> dict[Path, int]:
    """When each finished piece of work below ``out`` was written, ns."""
    found = [path for path in out.glob(case.units) if path.is_file()] if case.units else []
    whole = [path for path in found if not any(part.startswith(".") for part in path.relative_to(out).parts)]
    return {path: path.stat().st_mtime_ns for path in whole}


def made_again(case: Case, out: Path, before: dict[Path, int], said: str) -> list[str]:
    """Finished pieces that were written, or by what the command said only made, once more."""
    now = unit_times(case, out)
    again = [str(path.relative_to(out)) for path, when in before.items() if now.get(path) != when]
    told, new = len(re.findall(case.told, said)) if case.told else 0, len(now.keys() - before.keys())
    return again + [f"{told} made by what was said, {new} new ones found"] * (told > new)
