"""Faults beside SIGKILL: each is injected, has to end in one line, and leaves what the same command then completes."""

import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.faults.cases import CASES, Case
from tests.faults.forks import Before, Fork, start
from tests.faults.kills import LONGEST_S, Losses, compare, undisturbed_result
from tests.faults.trees import half_written

_PREPARE, _TRAIN, _STACKED, _PARALLEL, _SWEEP = CASES
_BAD_INPUT, _STOPPED = 2, 130
_DAY_S = 86_400.0

Fault = Callable[[Path, Path], Losses]


def disk_full(data: Path, work: Path) -> Losses:
    """The disk has room for a part of what the command writes; then it is given more."""
    losses = Losses()
    for number, (case, kilobytes) in enumerate([(_PREPARE, 256), (_PREPARE, 1024), (_TRAIN, 100), (_TRAIN, 300)]):
        with _disk(work / str(number), f"size={kilobytes}k") as out:
            _expect(start(case.words(data, out), work / "logs"), _BAD_INPUT, losses)
            losses.half_written += half_written(out)
            subprocess.run(["mount", "-o", "remount,size=64m", str(out)], check=True)
            _complete(case, data, out, losses)
    return losses


def read_only(data: Path, work: Path) -> Losses:
    """Nothing can be written where the command is to write."""
    losses = Losses()
    for number, case in enumerate((_PREPARE, _TRAIN, _STACKED, _SWEEP)):
        with _disk(work / str(number), "size=64m") as out:
            subprocess.run(["mount", "-o", "remount,ro", str(out)], check=True)
            _expect(start(case.words(data, out), work / "logs"), _BAD_INPUT, losses)
            subprocess.run(["mount", "-o", "remount,rw", str(out)], check=True)
            _complete(case, data, out, losses)
    return losses


def two_at_once(data: Path, work: Path) -> Losses:
    """The same command twice at the same time: with one store, or with one run's folder, which one of them has."""
    losses = Losses()
    for number, (case, more) in enumerate([(_PREPARE, []), (_TRAIN, ["run_dir=one"])] * 3):
        out = work / str(number)
        words = [*case.words(data, out), *more]
        both = [start(words, out, log=f"{name}.log") for name in ("first", "second")]
        codes = [fork.wait(LONGEST_S) for fork in both]
        losses.kills += 1
        if 0 not in codes or not set(codes) <= {0, _BAD_INPUT}:
            losses.failed.append(f"exit codes {codes}: {both[0].said()} {both[1].said()}")
        losses.half_written += half_written(out)
        if not more:
            compare(undisturbed_result(case, data, out.parent / f"{number}-alone"), case.result(out), losses)
    return losses


def clock_moved_back(data: Path, work: Path) -> Losses:
    """Killed, and started again a day earlier."""

    def yesterday() -> None:
        now = time.time
        time.time = lambda: now() - _DAY_S

    return _stopped(data, work, lambda fork: fork.kill(signal.SIGKILL), -signal.SIGKILL, then=yesterday)


def interrupted_once(data: Path, work: Path) -> Losses:
    """Ctrl-C."""
    return _stopped(data, work, lambda fork: fork.kill(signal.SIGINT), _STOPPED)


def interrupted_twice(data: Path, work: Path) -> Losses:
    """Ctrl-C, and once more a moment later."""

    def press(fork: Fork) -> None:
        fork.kill(signal.SIGINT)
        time.sleep(0.05)
        fork.kill(signal.SIGINT)

    return _stopped(data, work, press, _STOPPED)


def worker_killed(data: Path, work: Path) -> Losses:
    """A worker of engine=parallel is killed, as a system does that runs out of memory."""

    def kill_worker(fork: Fork) -> None:
        found = subprocess.run(["pgrep", "-P", str(fork.pid), "-f", "spawn_main"], capture_output=True, text=True)
        for pid in found.stdout.split()[-1:]:
            os.kill(int(pid), signal.SIGKILL)

    return _stopped(data, work, kill_worker, _BAD_INPUT, [_PARALLEL], when=_has_fold)


def out_of_memory(data: Path, work: Path) -> Losses:
    """The process may take no more memory than it has, and a little."""
    losses = Losses()
    for number, case in enumerate((_PREPARE, _TRAIN, _STACKED)):
        for megabytes in (1, 30):
            out = work / f"{number}-{megabytes}"
            fork = start(case.words(data, out), out, before=_limit(megabytes))
            _expect(fork, _BAD_INPUT, losses)
            losses.half_written += half_written(out)
            _complete(case, data, out, losses)
    return losses


OTHERS: dict[str, Fault] = {
    "disk full, then more room": disk_full,
    "read-only folder": read_only,
    "two commands at once": two_at_once,
    "killed, clock a day back": clock_moved_back,
    "Ctrl-C": interrupted_once,
    "Ctrl-C twice": interrupted_twice,
    "worker killed": worker_killed,
    "memory limit": out_of_memory,
}


def _stopped(
    data: Path,
    work: Path,
    stop: Callable[[Fork], None],
    code: int,
    cases: list[Case] | None = None,
    then: Before = lambda: None,
    when: Callable[[Case, Path], bool] | None = None,
) -> Losses:
    """Let ``stop`` end commands at random moments, or when there is some work; complete them; compare."""
    losses, draw = Losses(), random.Random(1)
    for number, case in enumerate(cases or [_PREPARE, _TRAIN, _STACKED, _PARALLEL, _SWEEP]):
        begun = time.monotonic()
        alone = undisturbed_result(case, data, work / f"{number}-alone")
        seconds = time.monotonic() - begun
        for attempt in range(3):
            out = work / f"{number}-{attempt}"
            fork = start(case.words(data, out), out)
            random_moment = draw.uniform(0, seconds)
            ended = _wait_until(fork, partial(when, case, out)) if when else fork.wait(random_moment)
            if ended is None:
                stop(fork)
                _expect(fork, code, losses, also=0)
            losses.half_written += half_written(out)
            _complete(case, data, out, losses, alone, then)
    return losses


def _expect(fork: Fork, code: int, losses: Losses, also: int | None = None) -> None:
    """The command ends with this code, or may be done before the fault reaches it, and never in a traceback."""
    losses.kills += 1
    found = fork.wait(LONGEST_S)
    if found not in (code, also) or "Traceback" in fork.said():
        losses.failed.append(f"exit code {found}, expected {code}: {fork.said()[-600:]}")


def _complete(
    case: Case,
    data: Path,
    out: Path,
    losses: Losses,
    alone: dict[str, bytes] | None = None,
    before: Before = lambda: None,
) -> None:
    """Start the command again; it ends well, and with what it writes undisturbed."""
    fork = start(case.words(data, out), out, before=before)
    code = fork.wait(LONGEST_S)
    losses.runs += 1
    if code != 0:
        losses.failed.append(f"exit code {code} when started again: {fork.said()[-600:]}")
    losses.half_written += half_written(out)
    if alone is None:
        alone = undisturbed_result(case, data, out.parent / f"{out.name}-alone")
    compare(alone, case.result(out), losses)
    if not out.is_mount():
        shutil.rmtree(out)


def _wait_until(fork: Fork, is_time: Callable[[], bool]) -> int | None:
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        code = fork.wait(0.01)
        if code is not None or is_time():
            return code
    raise RuntimeError(f"the moment for the fault did not come: {fork.said()}")


def _has_fold(case: Case, out: Path) -> bool:
    return any(not path.parent.name.startswith(".") for path in out.glob(case.units))


def _limit(megabytes: int) -> Before:
    def limit() -> None:
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        most = size + megabytes * 1024**2
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    return limit


@contextmanager
def _disk(folder: Path, options: str) -> Iterator[Path]:
    """A disk of its own in ``folder``; takes root."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
