"""Tables of the report: what is sorted by what, and the confusion matrix."""

import re

import numpy as np

from mer.report.html_tables import Cell, bar_cell, confusion_table, data_table, score_cell


def test_numbers_are_sorted_by_their_value_and_names_by_themselves() -> None:
    table = data_table("t", ("name", "score"), [["a<b", score_cell(0.12345, (0.1, 0.2))], ["c", score_cell(None)]])
    assert '<th scope="row" class="short">a&lt;b</th>' in table
    assert '<td class="number" data-value="0.12345">0.123 <span class="interval">[0.100, 0.200]</span></td>' in table
    assert '<td class="number">-</td>' in table


def test_short_tables_have_no_filter() -> None:
    tables = [data_table("t", ("name",), [[str(row)] for row in range(rows)]) for rows in (12, 13)]
    assert ["data-filter" in table for table in tables] == [False, True]


def test_bar_is_as_long_as_its_share() -> None:
    assert 'width="62.5" height="10"' in bar_cell(0.625, "0.625").text
    assert bar_cell(0.625, "x").value == 0.625


def test_confusion_has_each_share_and_count_in_its_place() -> None:
    page = confusion_table(np.array([[3, 1, 0], [0, 0, 0], [0, 0, 7]]), ["a", "<b>", "c"])
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in re.findall(r"<tr>(.*?)</tr>", page)]
    assert rows[0][-3:] == ["a", "&lt;b&gt;", "c"]
    assert rows[1] == ["a", "0.75", "(3)", "0.25", "(1)", "0.00", "(0)"]
    assert rows[2] == ["&lt;b&gt;", "-", "-", "-"]
    assert rows[3] == ["c", "0.00", "(0)", "0.00", "(0)", "1.00", "(7)"]
    assert re.findall(r'class="(s\d+)"', page) == ["s8", "s2", "s0", "s0", "s0", "s10"]


def test_long_cells_are_cut() -> None:
    assert "x" * 250 not in data_table("t", ("name", "value"), [["x" * 300, Cell("y")]])
