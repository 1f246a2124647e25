"""Commands of mer as processes that start at once: forks of one that has imported everything."""

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mer.cli import main

Before = Callable[[], None]


@dataclass(frozen=True)
class Fork:
    """A command in a group of processes of its own.

    Attributes:
        pid: its process, and the group that it leads.
        log: what it prints.
    """

    pid: int
    log: Path

    def wait(self, seconds: float) -> int | None:
        """Its exit code, negative for a signal; None where it still runs after so many seconds."""
        end = time.monotonic() + seconds
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= end:
                return None
            time.sleep(min(0.002, max(0.0, end - time.monotonic())))

    def kill(self, number: signal.Signals, group: bool = True) -> None:
        """Send a signal to it, and to the processes that it began if ``group``."""
        (os.killpg if group else os.kill)(self.pid, number)

    def said(self) -> str:
        """What it printed so far."""
        return self.log.read_text(errors="replace")


def start(words: Sequence[str], folder: Path, before: Before = lambda: None, log: str = "said.log") -> Fork:
    """Run ``mer`` with ``words`` in ``folder``; ``before`` is called in the new process first."""
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / log
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        with contextlib.suppress(PermissionError):  # it did so itself, or is of that group
            os.setpgid(pid, pid)  # on both sides, for it may be killed before it comes to its own
        return Fork(pid, told)
    os.setpgid(0, 0)
    _print_to(told)
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code = 1
    try:
        before()
        code = main(words)
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def apart(work: Callable[[], None]) -> None:
    """Do ``work`` in a process of its own: threads that libraries start here would be missing in every fork."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"exit code {process.exitcode} of {work}")


def _print_to(log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    # The parent's streams may be pytest's or a pipe's; the child's are the file.
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
