"""Items come in order, made while others are in use."""

import threading
from collections.abc import Iterator

import pytest

from mer.ahead import ahead


def test_items_come_in_their_order() -> None:
    assert list(ahead(iter(range(20)))) == list(range(20))
    assert list(ahead([])) == []


def test_items_that_are_false_come_too() -> None:
    assert list(ahead([0, "", False])) == [0, "", False]


def test_next_item_is_made_while_one_is_in_use() -> None:
    second_made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        second_made.set()
        yield 2

    coming = ahead(items())
    assert next(coming) == 1
    assert second_made.wait(10)
    assert list(coming) == [2]


def test_no_more_than_one_item_is_made_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    for number in ahead(items()):
        assert made[-1] <= number + 1


def test_an_error_is_raised_where_its_item_is_due() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("second")

    coming = ahead(items())
    assert next(coming) == 1
    with pytest.raises(KeyError, match="second"):
        next(coming)


def test_those_who_stop_early_leave_no_thread() -> None:
    coming = ahead(iter(range(10)))
    assert next(coming) == 0
    coming.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
