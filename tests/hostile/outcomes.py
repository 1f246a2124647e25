"""What became of each example: counted, for the campaign's table."""

import contextlib
import io
import os
import time
from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, settings

from mer.cli import main
from mer.errors import MerError, one_line

fuzz = settings(
    max_examples=int(os.environ.get("MER_FUZZ", "25")),
    deadline=None,
    derandomize="MER_FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
)
LONGEST_S = 60.0  # that any example may take, on a busy machine
OUTCOMES: Counter[tuple[str, str]] = Counter()  # (input, taken or refused)


def fewer(divisor: int) -> settings:
    """Settings for examples that take long."""
    return settings(fuzz, max_examples=max(3, fuzz.max_examples // divisor))


def in_one_line(what: str, read: Callable[[], object]) -> bool:
    """Call ``read``: it may succeed, or raise the one error that a user meets. Returns whether it succeeded."""
    started = time.monotonic()
    taken = True
    try:
        read()
    except MerError as error:
        taken = False
        assert str(error) == one_line(str(error))  # noqa: PT017 - it may be raised, or not
    count(what, taken, time.monotonic() - started)
    return taken


def run_quietly(what: str, *words: str) -> tuple[int, str, str]:
    """Exit code and what was printed; anything else that is raised is a traceback for the user."""
    out, err = io.StringIO(), io.StringIO()
    started = time.monotonic()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as stop:
            code = int(stop.code or 0)
    count(what, code == 0, time.monotonic() - started)
    return code, out.getvalue(), err.getvalue()


def count(what: str, taken: bool, seconds: float) -> None:
    """Note an example that came to an end as it should."""
    assert seconds < LONGEST_S, f"{what}: {seconds:.0f} s"
    OUTCOMES[what, "taken" if taken else "refused"] += 1
