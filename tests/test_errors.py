"""MerError says what was expected, found and to be done; the guards raise it."""

import pickle

import pytest

from mer.errors import MerError, require_choice, require_integer, require_number


def test_message_is_expected_got_remedy_in_one_line() -> None:
    assert str(MerError("a face", "none", "try another frame")) == "expected a face; got none; try another frame"


@pytest.mark.parametrize("value", [0, 1, 0.5, 1.0])
def test_number_inside_closed_bounds_is_returned_as_float(value: float) -> None:
    number = require_number("rate", value, 0, 1)
    assert number == value
    assert type(number) is float


@pytest.mark.parametrize("value", [-1e-9, 1.0000001, float("nan"), float("inf"), -float("inf")])
def test_number_out_of_bounds_is_refused(value: float) -> None:
    with pytest.raises(MerError, match=r"rate to be a number in \[0, 1\]; got .*; choose rate inside the bounds"):
        require_number("rate", value, 0, 1)


@pytest.mark.parametrize("value", ["0.5", None, True, [0.5]])
def test_value_of_another_type_is_no_number(value: object) -> None:
    with pytest.raises(MerError, match="set rate to a number"):
        require_number("rate", value, 0, 1)


def test_nan_is_refused_without_bounds_too() -> None:
    with pytest.raises(MerError, match="rate"):
        require_number("rate", float("nan"))


@pytest.mark.parametrize("value", [16, 16.0])
def test_whole_number_is_returned_as_int(value: float) -> None:
    number = require_integer("size", value, 16, 32)
    assert number == 16
    assert type(number) is int


@pytest.mark.parametrize(("value", "message"), [(16.5, "round size"), (15, "inside the bounds"), ("16", "a number")])
def test_integer_guard_refuses_fractions_bounds_and_text(value: object, message: str) -> None:
    with pytest.raises(MerError, match=message):
        require_integer("size", value, 16, 32)


def test_choice_is_returned() -> None:
    assert require_choice("zero", "median", ("median", "middle")) == "median"


def test_choice_that_is_none_is_refused_with_all_choices() -> None:
    with pytest.raises(MerError, match="zero to be one of median, middle; got 'mean'; set zero to one of these"):
        require_choice("zero", "mean", {"middle", "median"})


def test_errors_survive_the_way_between_processes() -> None:
    error = MerError("a", "b", "c")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))
