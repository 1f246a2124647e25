"""Action units are read as coders write them; what cannot be read or is left open is kept, never guessed."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mer.action_units import ActionUnit, ActionUnits, numbers, objective_class, parse_action_units

CANONICAL = st.builds(
    ActionUnit,
    st.integers(1, 80),
    st.sampled_from(["", "L", "R"]),
    st.sampled_from(["", "T", "B"]),
    st.sampled_from(["", *"ABCDE", "A/B", "C/D"]),
)


def units_of(text: object) -> set[str]:
    found = parse_action_units(text)
    assert found == ActionUnits(found.units)
    return {str(unit) for unit in found.units}


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("12", {"12"}),
        (12, {"12"}),
        (12.0, {"12"}),
        ("12.0", {"12"}),
        ("04", {"4"}),
        ("12+15 ", {"12", "15"}),
        ("'12+15 '", {"12", "15"}),
        ("4+L9+14", {"4", "L9", "14"}),
        ("L1+L2", {"L1", "L2"}),
        ("R2+R1", {"R1", "R2"}),
        ("T28+14", {"T28", "14"}),
        ("T18", {"T18"}),
        ("B28", {"B28"}),
        ("12C", {"12C"}),
        ("R12B", {"R12B"}),
        ("10A/B", {"10A/B"}),
        ("10a-b", {"10A/B"}),
        ("12 C", {"12C"}),
        ("12 B28", {"12", "B28"}),
        ("AU12", {"12"}),
        ("AU4+AU7", {"4", "7"}),
        ("au 4 + aur12", {"4", "R12"}),
        ("r12b", {"R12B"}),
        ("4, 7", {"4", "7"}),
        ("4\uff0c7", {"4", "7"}),
        ("4、7", {"4", "7"}),
        ("4\uff0b7", {"4", "7"}),
        ("\uff11\uff12", {"12"}),
        ("4;7", {"4", "7"}),
        ("4 7", {"4", "7"}),
        ("4\xa0+\u30007", {"4", "7"}),
        ("4++7+", {"4", "7"}),
        (" R 12 + 4 ", {"R12", "4"}),
        ("4+(6+7)", {"4", "6", "7"}),
        ("12(k)", {"12"}),
        ("4(K)+12 ( k )", {"4", "12"}),
        ("4+4", {"4"}),
    ],
)
def test_units_are_read_however_they_are_written(text: object, units: set[str]) -> None:
    assert units_of(text) == units


def test_side_place_and_intensity_are_told_apart() -> None:
    assert parse_action_units("RB28B").units == {ActionUnit(28, side="R", place="B", intensity="B")}


@pytest.mark.parametrize(
    ("text", "certain", "uncertain"),
    [
        ("(R6 or R12)+R15", {"R15"}, {"R6", "R12"}),
        ("1+2 or 4", set(), {"1", "2", "4"}),
        ("(1+2 OR 1+4)+12", {"1", "12"}, {"2", "4"}),
        ("4+(4 or 7)", {"4"}, {"7"}),
        ("4+((6 or 7) or 6)", {"4"}, {"6", "7"}),
        ("4+12?", {"4"}, {"12"}),
        ("or 4", set(), {"4"}),
    ],
)
def test_alternatives_stay_uncertain(text: str, certain: set[str], uncertain: set[str]) -> None:
    found = parse_action_units(text)
    assert {str(unit) for unit in found.units} == certain
    assert {str(unit) for unit in found.uncertain} == uncertain
    assert not found.is_exact


@pytest.mark.parametrize("text", ["", "  ", None, float("nan"), "NaN", pd.NA])
def test_empty_cell_is_not_coded(text: object) -> None:
    assert parse_action_units(text) == ActionUnits()
    assert not parse_action_units(text).is_coded


def test_question_mark_is_unknown_not_empty() -> None:
    assert parse_action_units("?") == ActionUnits(is_unknown=True)
    assert parse_action_units("?").is_coded
    assert parse_action_units("4+?") == ActionUnits(frozenset({ActionUnit(4)}), is_unknown=True)


@pytest.mark.parametrize(
    ("text", "units", "unread"),
    [
        ("81", set(), ("81",)),
        ("0", set(), ("0",)),
        ("4+" + "9" * 5000, {"4"}, ("9" * 5000,)),
        ("4+12x", {"4"}, ("12x",)),
        ("4.7", set(), ("4.7",)),
        ("6/12", set(), ("6/12",)),
        ("10A/F", set(), ("10A/F",)),
        ("4-7", set(), ("4-7",)),
        ("head turns, 4", {"4"}, ("head", "turns")),
        ("4)+7", {"4", "7"}, (")",)),
        ("+", set(), ("+",)),
        ("()", set(), ("()",)),
        ("(k)", set(), ("(k)",)),
        ("/", set(), ("/",)),
    ],
)
def test_text_that_says_no_unit_is_kept_unread(text: str, units: set[str], unread: tuple[str, ...]) -> None:
    found = parse_action_units(text)
    assert {str(unit) for unit in found.units} == units
    assert found.unread == unread
    assert not found.is_exact


def test_open_bracket_makes_what_follows_uncertain() -> None:
    found = parse_action_units("4+(R6 or R12+R15")
    assert numbers(found.units) == {4}
    assert numbers(found.uncertain) == {6, 12, 15}
    assert found.unread == ("(",)


@settings(deadline=None)
@given(st.text() | st.text("0123456789+()?,/ LRTBAUDor.k\uff0c、\uff0b"))
def test_no_text_raises_and_none_that_holds_a_digit_vanishes(text: str) -> None:
    found = parse_action_units(text)
    assert found.is_coded or not any(letter in "0123456789" for letter in text)


@settings(deadline=None)
@given(st.frozensets(CANONICAL, max_size=6), st.frozensets(CANONICAL, max_size=4), st.booleans())
def test_canonical_text_is_read_back(
    units: frozenset[ActionUnit], uncertain: frozenset[ActionUnit], is_unknown: bool
) -> None:
    found = ActionUnits(units, uncertain - units, is_unknown)
    assert parse_action_units(str(found)) == found


def test_thousands_of_brackets_are_no_trouble() -> None:
    assert parse_action_units("(" * 5000 + "4" + ")" * 5000).units == {ActionUnit(4)}


def test_canonical_text_is_sorted_by_number() -> None:
    assert str(parse_action_units("(r12 or r6)+15+L4c+?")) == "L4C+15+(R6 or R12)+?"


def test_numbers_leave_sides_out() -> None:
    assert numbers(parse_action_units("L1+R1+T18+4B").units) == {1, 4, 18}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("R6+R12", "I"),
        ("L1+R2", "II"),
        ("7+4C", "III"),
        ("10", "IV"),
        ("17+15", "V"),
        ("20", "VI"),
        ("1+2+4", "VI"),
        ("4+10", "VII"),
        ("?", "VII"),
        ("", ""),
        ("(R6 or R12)+R15", ""),
        ("12+smile", ""),
    ],
)
def test_objective_class_follows_the_table_and_stays_empty_where_units_are_open(text: str, label: str) -> None:
    assert objective_class(parse_action_units(text)) == label


def casme2_sheet(annotations: Path) -> pd.DataFrame:
    coding = pd.read_excel(annotations / "CASME2-coding-20140508.xlsx", dtype=str, keep_default_na=False)
    classes = pd.read_excel(annotations / "CASME2-ObjectiveClasses.xlsx", dtype=str, keep_default_na=False)
    return coding.merge(classes, on=["Subject", "Filename"], validate="1:1")


def test_casme2_sheet_is_read_whole(real_data: Path) -> None:
    cells = casme2_sheet(real_data / "annotations")["Action Units"]
    found = [parse_action_units(cell) for cell in cells]
    assert len(found) == 255
    assert not any(cell.unread or cell.uncertain for cell in found)
    assert sum(cell.is_unknown for cell in found) == 5
    assert all(cell.is_exact or cell.is_unknown for cell in found)


def test_casme3_sheet_is_read_whole_and_its_classes_are_the_tables(real_data: Path) -> None:
    sheet = pd.read_csv(real_data / "annotations" / "casme3_part_A_edited.csv", dtype=str, keep_default_na=False)
    found = [parse_action_units(cell) for cell in sheet["AU"]]
    assert len(found) == 687
    assert all(cell.is_exact for cell in found)
    assert [objective_class(cell) for cell in found] == sheet["Objective class"].tolist()


def test_table_reproduces_241_of_casme2s_255_objective_classes(real_data: Path) -> None:
    sheet = casme2_sheet(real_data / "annotations")
    published = sheet["Objective Class"].map(
        dict(zip("1234567", ["I", "II", "III", "IV", "V", "VI", "VII"], strict=True))
    )
    counts = {"I": 25, "II": 15, "III": 99, "IV": 26, "V": 20, "VI": 1, "VII": 69}
    assert published.value_counts().to_dict() == counts
    made = [objective_class(parse_action_units(cell)) for cell in sheet["Action Units"]]
    assert (published == made).sum() >= 241
