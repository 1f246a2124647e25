"""Tables of the HTML report: the script of the page lets columns sort and rows be filtered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer.report.figures import row_shares
from mer.report.markup import Markup, breakable, element, joined, shortened

_LONGEST_CELL = 200
_SHORT_CELL = 24  # letters that stay on one line
_FILTERED_FROM = 13  # rows; a shorter table is seen at once
_SHADES = 10  # of a confusion matrix


@dataclass(frozen=True)
class Cell:
    """A table's cell.

    Attributes:
        text: what it shows; Markup stands as it is.
        value: what it is sorted by, where that is a number.
    """

    text: str
    value: float | None = None


def score_cell(value: float | None, interval: Sequence[float] | None = None) -> Cell:
    """A score with three decimals and its interval; ``-`` for none."""
    if value is None:
        return Cell("-")
    if interval is None:
        return Cell(f"{value:.3f}", value)
    low, high = interval
    between = element("span", f"[{low:.3f}, {high:.3f}]", class_="interval")
    return Cell(joined([f"{value:.3f} ", between]), value)


def bar_cell(share: float, label: str) -> Cell:
    """A share of 1 as a bar with its number."""
    bar = element("rect", width=f"{100 * share:.1f}", height="10")
    drawn = element("svg", bar, class_="bar", viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true")
    return Cell(joined([drawn, " ", label]), share)


def data_table(caption: str, header: Sequence[str], rows: Iterable[Sequence[Cell | str]]) -> Markup:
    """A table with a caption. Its first column names the rows; columns of numbers stand to the right."""
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    numeric = [bool(cells) and all(_is_number(row[place]) for row in cells) for place in range(len(header))]
    numeric[0] = False
    head = (element("th", name, scope="col", class_=_side(one)) for name, one in zip(header, numeric, strict=True))
    body = (element("tr", *_row(row, numeric)) for row in cells)
    table = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *head)),
        element("tbody", *body),
        class_="data",
        data_filter=len(cells) >= _FILTERED_FROM,
    )
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=caption)


def confusion_table(confusion: NDArray[Any], classes: Sequence[str]) -> Markup:
    """The row-normalised confusion matrix with counts; colours of cividis, a class ``sN`` for share N/10."""
    corner = element("td", "target ↓ prediction →", class_="corner")
    names = [shortened(name, _LONGEST_CELL) for name in classes]
    head = element("thead", element("tr", corner, *(element("th", name, scope="col") for name in names)))
    body = []
    for name, counts, shares in zip(names, confusion, row_shares(confusion), strict=True):
        cells = (_confusion_cell(int(count), share) for count, share in zip(counts, shares, strict=True))
        body.append(element("tr", element("th", name, scope="row"), *cells))
    caption = element("caption", "Confusion matrix: share of the class's clips, and their number")
    table = element("table", caption, head, element("tbody", *body), class_="confusion")
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label="Confusion matrix")


def _confusion_cell(count: int, share: float) -> Markup:
    if np.isnan(share):
        return element("td", "-")
    number = element("span", f"({count})", class_="count")
    return element("td", f"{share:.2f} ", number, class_=f"s{round(share * _SHADES)}")


def _row(row: Sequence[Cell], numeric: Sequence[bool]) -> Iterable[Markup]:
    for place, (cell, one) in enumerate(zip(row, numeric, strict=True)):
        text = cell.text if isinstance(cell.text, Markup) else breakable(shortened(cell.text, _LONGEST_CELL))
        value: str | bool = False if cell.value is None else repr(float(cell.value))
        name, scope = ("td", False) if place else ("th", "row")
        kind: str | bool = _side(one)
        if not kind and not isinstance(cell.text, Markup):
            kind = "short" if len(cell.text) <= _SHORT_CELL else "long"
        yield element(name, text, scope=scope, class_=kind, data_value=value)


def _is_number(cell: Cell) -> bool:
    return cell.value is not None or cell.text == "-"


def _side(is_number: bool) -> str | bool:
    return "number" if is_number else False
