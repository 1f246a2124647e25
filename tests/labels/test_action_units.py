"""Sets of action units as classes, and one unit there or not there."""

import pytest

from mer.errors import MerError
from mer.labels import ActionUnitSets, OneActionUnit
from tests.labels import clips_of, said


def test_equal_sets_are_one_class_however_they_are_written() -> None:
    index = ActionUnitSets(min_clips=1).apply(clips_of(action_units=["7+4", "AU4, L7B", "14", "4"]))
    assert index.clips["label"].tolist() == ["4+7", "4+7", "14", "4"]
    assert index.classes == ("4", "4+7", "14")


def test_sides_make_classes_of_their_own_when_asked_for() -> None:
    index = ActionUnitSets(min_clips=1, sides=True).apply(clips_of(action_units=["4+R10", "10+4", "L10+4"]))
    assert index.clips["label"].tolist() == ["4+R10", "4+10", "4+L10"]


def test_rare_sets_leave_without_a_note() -> None:
    index = ActionUnitSets(min_clips=2).apply(clips_of(action_units=["4", "12", "4", "12", "14"]))
    assert index.classes == ("4", "12")
    assert len(index) == 4
    assert index.notes == ()


@pytest.mark.parametrize("units", ["?", "4+?", "4+smile", "(6 or 12)"])
def test_sets_that_are_not_exact_are_refused(units: str) -> None:
    index = ActionUnitSets(min_clips=1).apply(clips_of(action_units=["4", units, "12"]))
    assert index.clips["label"].tolist() == ["4", "12"]
    assert said(index) == [f"refused casme2/sub01/1: action units {units!r} leave labels=action_units open"]


def test_clip_without_action_units_is_refused() -> None:
    index = ActionUnitSets(min_clips=1).apply(clips_of(action_units=["4", "", "12"]))
    assert said(index) == ["refused casme2/sub01/1: no action units"]


def test_dataset_without_action_units_is_an_error_that_says_so() -> None:
    message = "labels=action_units; got none, 2 refused, the first: refused casme2/sub01/0: no action units"
    with pytest.raises(MerError, match=message):
        ActionUnitSets().apply(clips_of(action_units=["", ""]))


def test_min_clips_below_one_is_refused() -> None:
    with pytest.raises(MerError, match=r"labels\.min_clips"):
        ActionUnitSets(min_clips=0)


def test_one_unit_is_there_or_not() -> None:
    index = OneActionUnit(12).apply(clips_of(action_units=["6+R12B", "4", "12+?", "12+smile"]))
    assert index.clips["label"].tolist() == ["au12", "no_au12", "au12", "au12"]
    assert index.classes == ("au12", "no_au12")
    assert index.notes == ()


@pytest.mark.parametrize("units", ["", "?", "4+?", "4+smile", "(6 or 12)+4", "12?"])
def test_clip_that_leaves_the_unit_open_is_refused(units: str) -> None:
    index = OneActionUnit(12).apply(clips_of(action_units=["12", units, "4"]))
    assert index.clips["label"].tolist() == ["au12", "no_au12"]
    assert [note.kind for note in index.notes] == ["refused"]


def test_uncertainty_about_other_units_does_not_matter() -> None:
    index = OneActionUnit(12).apply(clips_of(action_units=["12", "(4 or 7)+1"]))
    assert index.clips["label"].tolist() == ["au12", "no_au12"]


def test_unit_that_no_clip_has_is_an_error() -> None:
    with pytest.raises(MerError, match="two classes or more of 1 clips or more under labels=au9; got no_au9 2"):
        OneActionUnit(9).apply(clips_of(action_units=["12", "4"]))


def test_scheme_is_named_after_its_unit_unless_told_otherwise() -> None:
    assert OneActionUnit(12).name == "au12"
    assert OneActionUnit(12, name="smile").name == "smile"


@pytest.mark.parametrize("unit", [0, 81, 1.5])
def test_unit_outside_facs_is_refused(unit: int) -> None:
    with pytest.raises(MerError, match=r"labels\.unit"):
        OneActionUnit(unit)


def test_index_without_clips_is_an_error() -> None:
    for scheme in (OneActionUnit(12), ActionUnitSets()):
        with pytest.raises(MerError, match="one usable clip or more"):
            scheme.apply(clips_of(action_units=[]))
