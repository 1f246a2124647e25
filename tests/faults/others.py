"""Faults beside SIGKILL: each is injected, has to end in one line, and leaves what the same command then completes."""

import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.faults.cases import (
    LONG,
    PARALLEL,
    PREDICT,
    PREPARE,
    SHARED_SWEEP,
    SHARED_TRAIN,
    SHORT,
    STACKED,
    TRAIN,
    Case,
)
from tests.faults.forks import Before, Fork, start
from tests.faults.kills import LONGEST_S, made_again, undisturbed, unit_times
from tests.faults.losses import Losses
from tests.faults.trees import Content, half_written, left_over

_BAD_INPUT, _STOPPED = 2, 130
_DAY_S = 86_400.0
_ATTEMPTS = 3  # a command
_FILLER = "filler.log"  # no result
_ROOMS = (0.0, 0.3, 0.7)  # of what a command writes
_MEGABYTES = (1, 10, 20, 30, 40)

Fault = Callable[[Case, Path, Path], Losses]


def disk_full(case: Case, data: Path, work: Path) -> Losses:
    """The disk has no room, or room for a part of what the command writes; then it is given more."""
    losses = Losses()
    alone = undisturbed(case, data, work / "alone").result
    for room in _ROOMS:
        with _disk(work / "disk", "size=64m") as out:
            _fill(out, int(room * sum(map(len, alone.values()))))
            _expect(start(case.words(data, out), work / "logs"), {_BAD_INPUT}, losses)
            losses.half_written += half_written(out)
            (out / _FILLER).unlink()
            _complete(case, data, out, losses, alone)
    return losses


def read_only(case: Case, data: Path, work: Path) -> Losses:
    """Nothing can be written where the command is to write."""
    losses = Losses()
    alone = undisturbed(case, data, work / "alone").result
    with _disk(work / "disk", "size=64m") as out:
        subprocess.run(["mount", "-o", "remount,ro", str(out)], check=True)
        _expect(start(case.words(data, out), work / "logs"), {_BAD_INPUT}, losses)
        subprocess.run(["mount", "-o", "remount,rw", str(out)], check=True)
        _complete(case, data, out, losses, alone)
    return losses


def two_at_once(case: Case, data: Path, work: Path) -> Losses:
    """The same command twice at the same time; one that finds a run's folder taken may say so."""
    losses = Losses()
    alone = undisturbed(case, data, work / "alone").result
    for attempt in range(_ATTEMPTS):
        out = work / f"both-{attempt}"
        both = [start(case.words(data, out), out, log=f"{name}.log") for name in ("first", "second")]
        codes = [fork.wait(LONGEST_S) for fork in both]
        losses.tries += 1
        losses.runs += 1
        if 0 not in codes or not set(codes) <= ({0, _BAD_INPUT} if case is IN_ONE_FOLDER else {0}):
            losses.failed.append(f"exit codes {codes}: {both[0].said()} {both[1].said()}")
        losses.made_again += made_again(case, out, {}, both[0].said() + both[1].said())
        losses.half_written += half_written(out)
        losses.left_over += left_over(out)
        losses.compare(alone, case.result(out))
        shutil.rmtree(out)
    return losses


def clock_moved_back(case: Case, data: Path, work: Path) -> Losses:
    """Killed, and started again a day earlier."""

    def yesterday() -> None:
        now = time.time
        time.time = lambda: now() - _DAY_S

    return _stopped(case, data, work, lambda fork: fork.kill(signal.SIGKILL), -signal.SIGKILL, yesterday)


def interrupted_once(case: Case, data: Path, work: Path) -> Losses:
    """Ctrl-C."""
    return _stopped(case, data, work, lambda fork: fork.kill(signal.SIGINT), _STOPPED)


def interrupted_twice(case: Case, data: Path, work: Path) -> Losses:
    """Ctrl-C, and once more a moment later."""

    def press(fork: Fork) -> None:
        fork.kill(signal.SIGINT)
        time.sleep(0.05)
        fork.kill(signal.SIGINT)

    return _stopped(case, data, work, press, _STOPPED)


def worker_killed(case: Case, data: Path, work: Path) -> Losses:
    """A worker is killed, as a system does that runs out of memory."""

    def kill_worker(fork: Fork) -> None:
        found = subprocess.run(["pgrep", "-P", str(fork.pid), "-f", "spawn_main"], capture_output=True, text=True)
        for pid in found.stdout.split()[-1:]:
            os.kill(int(pid), signal.SIGKILL)

    return _stopped(case, data, work, kill_worker, _BAD_INPUT, when=_has_fold)


def out_of_memory(case: Case, data: Path, work: Path) -> Losses:
    """The process may take no more memory than it has, and a little.

    It may also die of a signal: a library that the system refuses memory ends a process in its own ways.
    """
    losses = Losses()
    codes = {_BAD_INPUT, 0, -signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS}
    alone = undisturbed(case, data, work / "alone").result
    for megabytes in _MEGABYTES:
        out = work / f"{megabytes}"
        _expect(start(case.words(data, out), out, before=_limit(megabytes)), codes, losses)
        losses.half_written += half_written(out)
        _complete(case, data, out, losses, alone)
    return losses


IN_ONE_FOLDER = replace(
    TRAIN,
    name="train run_dir=DIR",
    words=lambda data, out: [*TRAIN.words(data, out), f"run_dir={out / 'outputs/faults'}"],
)
# The workers of engine=parallel train and the run writes, as with sequential: where they add nothing they are left out.
_RESUMED = tuple(case for case in LONG if case is not PARALLEL)
OTHERS: dict[str, tuple[Fault, Sequence[Case]]] = {
    "disk full": (disk_full, (*_RESUMED, *SHORT)),
    "read-only folder": (read_only, (*_RESUMED, *SHORT)),
    "memory limit": (out_of_memory, (PREPARE, TRAIN, STACKED, PREDICT)),
    "worker killed": (worker_killed, (PARALLEL,)),
    "Ctrl-C": (interrupted_once, LONG),
    "Ctrl-C twice": (interrupted_twice, LONG),
    "clock a day back": (clock_moved_back, _RESUMED),
    "two at once": (two_at_once, (PREPARE, IN_ONE_FOLDER, SHARED_TRAIN, SHARED_SWEEP)),
}


def _stopped(
    case: Case,
    data: Path,
    work: Path,
    stop: Callable[[Fork], None],
    code: int,
    then: Before = lambda: None,
    when: Callable[[Case, Path], bool] | None = None,
) -> Losses:
    """Let ``stop`` end the command at random moments, or when there is some work; complete it; compare."""
    losses, draw = Losses(), random.Random(case.seed)
    alone = undisturbed(case, data, work / "alone")
    for attempt in range(_ATTEMPTS):
        out = work / f"{attempt}"
        fork = start(case.words(data, out), out)
        moment_s = draw.uniform(0, alone.seconds)
        ended = _wait_until(fork, partial(when, case, out)) if when else fork.wait(moment_s)
        if ended is None:
            stop(fork)
            _expect(fork, {code, 0}, losses)
        losses.half_written += half_written(out)
        _complete(case, data, out, losses, alone.result, then)
    return losses


def _expect(fork: Fork, codes: set[int], losses: Losses) -> None:
    """The command ends with one of these, never in a traceback: 0 is among them where it may be done before."""
    losses.tries += 1
    found = fork.wait(LONGEST_S)
    if found not in codes or "Traceback" in fork.said():
        losses.failed.append(f"exit code {found}, expected {sorted(codes)}: {fork.said()[-600:]}")


def _complete(case: Case, data: Path, out: Path, losses: Losses, alone: Content, before: Before = lambda: None) -> None:
    """Start the command again; it ends well, and with what it writes undisturbed."""
    made = unit_times(case, out)
    fork = start(case.words(data, out), out, before=before)
    code = fork.wait(LONGEST_S)
    losses.runs += 1
    if code != 0:
        losses.failed.append(f"exit code {code} when started again: {fork.said()[-600:]}")
    losses.made_again += made_again(case, out, made, fork.said())
    losses.half_written += half_written(out)
    losses.left_over += left_over(out)
    losses.compare(alone, case.result(out))
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
    return bool(unit_times(case, out))


def _limit(megabytes: int) -> Before:
    def limit() -> None:
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        most = size + megabytes * 1024**2
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    return limit


def _fill(disk: Path, free_bytes: int) -> None:
    """Leave so much room on ``disk``."""
    room = shutil.disk_usage(disk).free - free_bytes
    with (disk / _FILLER).open("wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, room)


@contextmanager
def _disk(folder: Path, options: str) -> Iterator[Path]:
    """A disk of its own in ``folder``; takes root."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
