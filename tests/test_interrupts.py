"""Ctrl-C that is not lost."""

import contextlib
import signal
import subprocess
import sys
import threading
import weakref

import pytest

from mer.interrupts import CtrlC, heeding_ctrl_c


class Thing:
    """Something that a weak reference can point at."""


@pytest.fixture(autouse=True)
def _usual_handler() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_what_a_weak_reference_swallowed_stops_at_the_next_check(capfd: pytest.CaptureFixture[str]) -> None:
    with CtrlC() as ctrl_c:
        ctrl_c.check()
        thing = Thing()
        reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
        del thing  # alone, Python would print "Exception ignored" and go on
        assert reference() is None
        with pytest.raises(KeyboardInterrupt):
            ctrl_c.check()
    assert capfd.readouterr().err == ""


def test_it_stops_at_once_where_nothing_swallows_it() -> None:
    with CtrlC(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def swallowed(then: Exception | None = None) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    if then is not None:
        raise then


def stopped_inside() -> None:
    with CtrlC() as inner:
        swallowed()
        inner.check()
    raise AssertionError("the inner block did not stop")


def test_what_other_code_made_of_it_is_ctrl_c_again() -> None:
    with pytest.raises(KeyboardInterrupt) as raised, heeding_ctrl_c():
        swallowed(ValueError("half a matrix"))
    assert isinstance(raised.value.__cause__, ValueError)
    with pytest.raises(KeyboardInterrupt), heeding_ctrl_c():
        swallowed()
    with pytest.raises(ValueError, match="of its own"), heeding_ctrl_c():
        raise ValueError("of its own")


def test_a_block_inside_another_hears_of_it_too() -> None:
    with pytest.raises(KeyboardInterrupt), heeding_ctrl_c():
        stopped_inside()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_usual_handler_is_back_afterwards() -> None:
    with CtrlC():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_ones_own_and_other_threads_are_left_alone() -> None:
    mine = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with CtrlC():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    signal.signal(signal.SIGINT, mine)
    seen: list[object] = []

    def enter() -> None:
        with CtrlC():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


# In a process of its own: what the first start of a spawned process does, it does once.
_START = """
import multiprocessing, signal
from mer.interrupts import without_ctrl_c
signal.signal(signal.SIGINT, signal.default_int_handler)
process = multiprocessing.get_context("spawn").Process(target=signal.raise_signal, args=(signal.SIGINT,))
try:
    with without_ctrl_c():
        process.start()
        process.join()
        signal.raise_signal(signal.SIGINT)
        print("hears of it later;", process.exitcode)
except KeyboardInterrupt:
    print("stopped")
"""


def test_process_started_without_ctrl_c_never_hears_of_it_and_the_one_that_starts_it_does() -> None:
    done = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True)
    assert done.stdout == "hears of it later; 0\nstopped\n"
    assert done.stderr == ""
