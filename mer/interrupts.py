"""Ctrl-C that is not lost.

Python runs a signal's handler before its next instruction. Where that is one of a weak reference's callback, as often
while garbage is collected, the KeyboardInterrupt is printed and forgotten, and the program runs on.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.resource_tracker import ensure_running
from types import FrameType
from typing import Self


class CtrlC:
    """While entered, remembers that Ctrl-C was pressed, so that :meth:`check` can stop what went on nevertheless."""

    def __init__(self) -> None:
        self._pressed = False
        self._installed = False
        self._around: CtrlC | None = None
        self._unraisable = sys.unraisablehook

    def __enter__(self) -> Self:
        # Only the main thread may, and whoever has a handler of their own keeps it.
        is_main = threading.current_thread() is threading.main_thread()
        handler = signal.getsignal(signal.SIGINT)
        around = getattr(handler, "__self__", None)
        self._around = around if isinstance(around, CtrlC) else None
        if is_main and handler is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._press)
            self._unraisable, sys.unraisablehook = sys.unraisablehook, self._told_already
            self._installed = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.unraisablehook = self._unraisable

    def check(self) -> None:
        """Raise where Ctrl-C was pressed.

        Raises:
            KeyboardInterrupt: it was.
        """
        if self.was_pressed:
            raise KeyboardInterrupt

    @property
    def was_pressed(self) -> bool:
        """Whether Ctrl-C was pressed, in this block or in one around it."""
        return self._pressed or (self._around is not None and self._around.was_pressed)

    def _press(self, number: int, frame: FrameType | None) -> None:
        self._pressed = True
        raise KeyboardInterrupt

    def _told_already(self, error: "sys.UnraisableHookArgs") -> None:
        if not issubclass(error.exc_type, KeyboardInterrupt):
            self._unraisable(error)


@contextmanager
def heeding_ctrl_c() -> Iterator[None]:
    """A Ctrl-C in the block ends it as KeyboardInterrupt, whatever the code that it met makes of it.

    Matplotlib's, for one, goes on with what it has, and raises a ValueError of that.
    """
    with CtrlC() as ctrl_c:
        try:
            yield
        except Exception as error:
            if ctrl_c.was_pressed:
                raise KeyboardInterrupt from error
            raise
        ctrl_c.check()


@contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Processes that are started in this block never hear of Ctrl-C, not while they import either.

    A terminal sends it to all processes of a command, of which each would print where it was. The one that started them
    hears of it after the block.
    """
    ensure_running()  # else the first start does so, and lets Ctrl-C through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
