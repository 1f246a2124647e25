"""Objective classes come from the sheet, or from the action units where that is asked for."""

import pytest

from mer.errors import MerError
from mer.labels import ObjectiveClasses
from tests.labels import clips_of, said


def test_roman_and_arabic_numbers_are_the_same_class() -> None:
    index = ObjectiveClasses().apply(clips_of(objective_class=["1", "I", " iv ", "4"]))
    assert index.clips["label"].tolist() == ["I", "I", "IV", "IV"]
    assert index.classes == ("I", "II", "III", "IV", "V")
    assert index.notes == ()


def test_classes_six_and_seven_leave_without_a_note_unless_named() -> None:
    clips = clips_of(objective_class=["I", "VI", "VII"])
    assert ObjectiveClasses().apply(clips).clips["clip"].tolist() == ["0"]
    assert ObjectiveClasses().apply(clips).notes == ()
    assert ObjectiveClasses(classes=[7, "I"]).apply(clips).clips["label"].tolist() == ["I", "VII"]
    assert ObjectiveClasses(classes=[7, "I"]).apply(clips).classes == ("VII", "I")


def test_missing_class_is_refused_with_the_remedy() -> None:
    index = ObjectiveClasses().apply(clips_of(objective_class=["I", ""], action_units=["12", "4"]))
    assert len(index) == 1
    assert said(index) == [
        "refused casme2/sub01/1: no objective class; set labels.from_action_units=true to make it from the action units"
    ]


def test_missing_class_is_made_from_action_units_and_noted() -> None:
    clips = clips_of(objective_class=["I", "", ""], action_units=["4", "4+L9", "14"])
    index = ObjectiveClasses(from_action_units=True).apply(clips)
    assert index.clips["label"].tolist() == ["I", "IV"]
    assert said(index) == ["repaired casme2/sub01/1: objective class IV from action units '4+L9'"]


@pytest.mark.parametrize("units", ["", "(R6 or R12)+R15", "smile"])
def test_action_units_that_leave_the_class_open_are_refused(units: str) -> None:
    clips = clips_of(objective_class=["I", ""], action_units=["", units])
    index = ObjectiveClasses(from_action_units=True).apply(clips)
    assert said(index) == [f"refused casme2/sub01/1: no objective class, and action units {units!r} leave it open"]


def test_unknown_class_of_the_sheet_is_refused() -> None:
    index = ObjectiveClasses().apply(clips_of(objective_class=["I", "VIII"]))
    assert said(index) == ["refused casme2/sub01/1: objective class 'VIII' is none of I to VII"]


def test_nothing_left_is_an_error_that_names_what_was_found() -> None:
    message = "clips of the objective classes I, II, III, IV, V; got VII, none, 1 refused, the first: refused casme2"
    with pytest.raises(MerError, match=message):
        ObjectiveClasses().apply(clips_of(objective_class=["VII", ""]))


def test_index_without_clips_is_an_error() -> None:
    with pytest.raises(MerError, match="one usable clip or more"):
        ObjectiveClasses().apply(clips_of(objective_class=[]))


def test_class_that_does_not_exist_cannot_be_chosen() -> None:
    with pytest.raises(MerError, match=r"labels\.classes to be one of I, II, III"):
        ObjectiveClasses(classes=["I", "VIII"])


def test_one_class_alone_cannot_be_chosen() -> None:
    with pytest.raises(MerError, match=r"two classes or more; got 1; name them in labels\.classes"):
        ObjectiveClasses(classes=["I", 1])
