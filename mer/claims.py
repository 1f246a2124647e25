"""Tasks shared out among processes and machines: each is claimed by a file, and a claim lives by its heartbeat.

A claim is the file ``<task>.<generation>``, made with O_CREAT|O_EXCL, of which the file system lets one succeed, on
NFS too (open(2)); no lock is asked for. A claim whose holder is gone is not removed, which would be a race: whoever
sees it makes the next generation, and again one succeeds. The highest generation holds the task.
"""

import contextlib
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from mer.files import cannot_write, safe_name
from mer.progress import say

BEAT_S = 10.0  # between two signs of life
STALE_S = 120.0  # without one, a holder counts as gone; NFS clients may keep a file's times for 60 s
POLL_S = 2.0  # between two looks at what others do
PARTS = (
    4  # into which what is free is cut: guided self-scheduling (Polychronopoulos and Kuck 1987) for so many machines
)


class Claiming(Protocol):
    """Decides who does a task; a context at whose end nothing is held any more."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def is_free(self, task: str) -> bool:
        """Whether nobody does ``task`` at present, as far as one can see without taking it."""

    def take(self, task: str) -> bool:
        """True once for whoever is to do ``task`` now; False while another holds it."""

    def share(self, free: int) -> int:
        """How many of so many free tasks to take at most."""

    def finish(self, task: str) -> None:
        """``task`` is done: nobody takes it again."""

    def held_by(self, task: str) -> str:
        """Who holds ``task``, for a line to the user."""


class Alone:
    """A process that shares with nobody takes everything."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def is_free(self, task: str) -> bool:
        return True

    def take(self, task: str) -> bool:
        return True

    def share(self, free: int) -> int:
        return free

    def finish(self, task: str) -> None:
        return

    def held_by(self, task: str) -> str:
        return "this process"


class Claims:
    """Claims kept in ``folder``, which every process that shares the tasks sees.

    A holder is gone when its process has ended, where that can be seen (same machine), or else when its claim's time of
    change has stood still for ``stale_s`` of the looking process's own monotonic clock. Times are compared for change
    alone, never with the time of day, so clocks that disagree do no harm. A process that wakes after its claim was
    taken over (it was stopped, or cut off from the file system) does the task in vain, not wrongly, as long as results
    are published whole and once.

    Args:
        folder: made on first use.
        beat_s: seconds between signs of life.
        stale_s: seconds without one after which a holder counts as gone; several times ``beat_s``.
    """

    def __init__(self, folder: Path, beat_s: float = BEAT_S, stale_s: float = STALE_S) -> None:
        self.folder = folder
        self.beat_s = beat_s
        self.stale_s = stale_s
        self._held: dict[str, Path] = {}
        self._seen: dict[Path, tuple[int, float]] = {}
        self._end = threading.Event()
        self._heart: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._end.clear()
        self._heart = threading.Thread(target=self._beat, name="mer claims", daemon=True)
        self._heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._heart is not None:
            self._heart.join()
        for path in list(self._held.values()):
            path.unlink(missing_ok=True)
        self._held.clear()

    def is_free(self, task: str) -> bool:
        """Whether nobody holds ``task``, or one who is gone.

        Raises:
            MerError: ``folder`` cannot be read.
        """
        try:
            generation = self._generation(task)
            return not generation or self._is_gone(self._path(task, generation))
        except OSError as error:
            raise cannot_write(self.folder, error) from error

    def take(self, task: str) -> bool:
        """True once for the process that is to do ``task`` now; False while another holds it.

        Raises:
            MerError: ``folder`` cannot be written.
        """
        try:
            generation = self._generation(task)
            if generation and not self._is_gone(self._path(task, generation)):
                return False
            path = self._path(task, generation + 1)
            taken = _create(path)
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        if taken:
            self._held[task] = path
        return taken

    def share(self, free: int) -> int:
        """A part of what is free, so that others who are many, or come later, find something; one at least."""
        return -(-free // PARTS)

    def finish(self, task: str) -> None:
        """Stop giving signs of life for ``task``. Its file stays, so that one who looked before cannot take it."""
        self._held.pop(task, None)

    def held_by(self, task: str) -> str:
        """Host and process that hold ``task``, as far as their file tells."""
        holder = _read(self._path(task, self._generation(task)))
        return f"{holder.get('host', 'another machine')}, process {holder.get('pid', '?')}"

    def clear(self) -> None:
        """Remove the claims of a run that is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, task: str, generation: int) -> Path:
        return self.folder / f"{safe_name(task)}.{generation}"

    def _generation(self, task: str) -> int:
        """The highest there is, 0 for none. Listed, for NFS may remember that a single name was missing."""
        try:
            found = [path.name.rpartition(".") for path in self.folder.iterdir()]
        except FileNotFoundError:
            return 0
        mine = [number for name, _, number in found if name == safe_name(task)]
        return max((int(number) for number in mine if number.isdigit()), default=0)

    def _is_gone(self, path: Path) -> bool:
        return _has_ended(_read(path)) or self._stands_still(path)

    def _stands_still(self, path: Path) -> bool:
        now = time.monotonic()
        try:
            with path.open("rb") as opened:  # opening is what makes NFS ask the server for the file's times
                beat = os.fstat(opened.fileno()).st_mtime_ns
        except FileNotFoundError:  # given back since it was listed: try again at the next look
            return False
        last, since = self._seen.get(path, (None, now))
        if beat != last:
            self._seen[path] = (beat, now)
            return False
        return now - since > self.stale_s

    def _beat(self) -> None:
        while not self._end.wait(self.beat_s):
            for path in list(self._held.values()):
                with contextlib.suppress(OSError):  # a disk that is away for a while: the next beat may come through
                    os.utime(path)


def share_out(
    tasks: Sequence[str],
    is_done: Callable[[str], bool],
    claims: Claiming,
    choose: Callable[[list[str]], list[str]] = lambda free: free[:1],
    poll_s: float = POLL_S,
) -> Iterator[list[str]]:
    """Yield the tasks that are to be done here, some at a time; end when all are done, wherever.

    What others hold is waited for, and taken over when they are gone. Tasks that were yielded have to be done when the
    next ones are asked for.

    Args:
        tasks: their names, in the order in which they are offered.
        is_done: whether a task's result is there, whoever made it.
        claims: entered already.
        choose: of the tasks that nobody does yet, those that are to be done together next; by default the first.
        poll_s: seconds between two looks while others hold all that is missing.
    """
    waits = False
    while missing := _missing(tasks, is_done, claims):
        free = [task for task in missing if claims.is_free(task)]
        chosen = choose(free)[: claims.share(len(free))] if free else []
        mine = _missing([task for task in chosen if claims.take(task)], is_done, claims)
        if mine:
            yield mine
            continue
        if free:  # another was quicker
            continue
        if not waits:
            waits = True
            say(f"waiting for {len(missing)} held elsewhere: {missing[0]} by {claims.held_by(missing[0])}")
        time.sleep(poll_s)


def _missing(tasks: Sequence[str], is_done: Callable[[str], bool], claims: Claiming) -> list[str]:
    """What is not done yet. A task that another did between a look and the claim is given up again."""
    missing = []
    for task in tasks:
        if is_done(task):
            claims.finish(task)
        else:
            missing.append(task)
    return missing


def _create(path: Path) -> bool:
    """Make the claim ``path`` for this process; False where it exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    try:
        os.write(handle, json.dumps(_myself()).encode())
    finally:
        os.close(handle)
    return True


def sign(path: Path) -> None:
    """Write into ``path`` which process this is, for :func:`is_signed_by_the_dead`."""
    path.write_text(json.dumps(_myself()))


def is_signed_by_the_dead(path: Path) -> bool:
    """Whether ``path`` was signed by a process of this machine, since its boot, that is no more."""
    return _has_ended(_read(path))


def _read(path: Path) -> dict[str, object]:
    """What the holder wrote of itself; nothing where it was killed before it could, or has gone."""
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _myself() -> dict[str, object]:
    pid = os.getpid()
    return {"host": socket.gethostname(), "machine": _machine(), "pid": pid, "started": _started(pid)}


def _machine() -> str | None:
    """Names this boot of this machine and its table of processes (a container has its own); None outside Linux."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return None


def _started(pid: int) -> str | None:
    """When process ``pid`` began, in ticks since the boot; None where it has ended or cannot be seen (proc(5))."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else fields[18]


def _has_ended(holder: dict[str, object]) -> bool:
    """True where the holder was a process of this machine that is no more; another may have its number by now."""
    pid, machine = holder.get("pid"), holder.get("machine")
    if machine is None or machine != _machine() or not isinstance(pid, int) or pid < 1:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # another user's, whose /proc may be hidden
        return False
    return _started(pid) != holder.get("started")
