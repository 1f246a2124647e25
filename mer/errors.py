"""The one error a user of mer meets: what was expected, what was found, what to do."""

import unicodedata
from collections.abc import Collection, Sequence

_UNPRINTABLE = ("Cc", "Cf", "Cs")


class MerError(Exception):
    """Bad input, said in one line.

    Args:
        expected: what mer needed.
        got: what it found instead.
        remedy: what the user can do about it.
    """

    def __init__(self, expected: str, got: str, remedy: str) -> None:
        super().__init__(expected, got, remedy)  # as its arguments, so that it survives the way between processes

    def __str__(self) -> str:
        return one_line("expected {}; got {}; {}".format(*self.args))


class SaidError(MerError):
    """A user's error that a worker process has put into words already."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)

    def __str__(self) -> str:
        return one_line(str(self.args[0]))


class FailedJobsError(Exception):
    """Jobs of a sweep failed, and the others are done.

    Args:
        lines: one a failed job.
        code: exit code of the command.
    """

    def __init__(self, lines: Sequence[str], code: int) -> None:
        super().__init__(lines, code)
        self.lines, self.code = lines, code


def one_line(text: str) -> str:
    r"""``text`` in one line, with what would move a terminal's cursor, or cannot be printed, as an escape.

    >>> one_line("two\nlines of \x1b[2J")
    'two lines of \\x1b[2J'
    """
    line = " ".join(text.splitlines())
    return "".join(ascii(one)[1:-1] if unicodedata.category(one) in _UNPRINTABLE else one for one in line)


def require_number(name: str, value: object, low: float = float("-inf"), high: float = float("inf")) -> float:
    """Return ``value`` as a float that lies in [low, high].

    Raises:
        MerError: ``value`` is no number, not finite where a bound is, or out of bounds.
    """
    bounds = f"a number in [{low:g}, {high:g}]"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise MerError(f"{name} to be {bounds}", repr(value), f"set {name} to a number")
    try:
        number = float(value)
    except OverflowError as error:
        got = "a whole number beyond all floats"
        raise MerError(f"{name} to be {bounds}", got, f"choose {name} inside the bounds") from error
    if not low <= number <= high:
        raise MerError(f"{name} to be {bounds}", f"{number:g}", f"choose {name} inside the bounds")
    return number


def require_choice(name: str, value: str, choices: Collection[str]) -> str:
    """Return ``value`` if it is one of ``choices``.

    Raises:
        MerError: it is not.
    """
    if value not in choices:
        raise MerError(f"{name} to be one of {', '.join(sorted(choices))}", repr(value), f"set {name} to one of these")
    return value


def require_integer(name: str, value: object, low: int, high: int) -> int:
    """Return ``value`` if it is a whole number in [low, high].

    Raises:
        MerError: it is not.
    """
    number = require_number(name, value, low, high)
    if number != int(number):
        raise MerError(f"{name} to be a whole number", f"{value}", f"round {name}")
    return int(number)
