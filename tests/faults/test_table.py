"""Runs in parts fill one table, and a page shows it with its sum."""

from pathlib import Path

import pytest

from tests.faults.losses import Losses
from tests.faults.table import BEGIN, END, fill_in, read_rows, row_of, write_rows


def test_rows_of_several_runs_are_kept_and_summed_on_the_page(tmp_path: Path) -> None:
    csv, page = tmp_path / "faults.csv", tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert read_rows(csv) == {}
    write_rows(csv, {"one: train": row_of("one", "train", Losses(tries=3, runs=2, failed=["a", "b"]))})
    rows = read_rows(csv) | {"two: train": row_of("two", "train", Losses(tries=4, runs=1, half_written=["c"]))}
    write_rows(csv, rows)
    assert read_rows(csv) == rows
    fill_in(page, rows)
    fill_in(page, rows)
    before, *table, after = [line for line in page.read_text().splitlines() if line not in (BEGIN, END)]
    assert (before, after) == ("before", "after")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    header, _, one, two, total = cells
    by_name = [dict(zip(header, row, strict=True)) for row in (one, two, total)]
    assert [row["injected"] for row in by_name] == ["3", "4", "7"]
    assert [row["failed"] for row in by_name] == ["2", "0", "2"]
    assert [row["lost"] for row in by_name] == ["2", "1", "3"]


def test_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("text\n")
    with pytest.raises(ValueError, match="has no"):
        fill_in(tmp_path / "page.md", {"one: train": row_of("one", "train", Losses())})
    assert (tmp_path / "page.md").read_text() == "text\n"
