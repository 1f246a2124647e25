"""The report in a real browser: it sorts, filters, fits phones, has a dark side, and talks to nobody."""

import json
from pathlib import Path
from typing import Any

import pytest

from mer.report.html import render_report
from mer.runs import find_runs
from tests.fakes.runs import fake_metrics, fake_predictions, write_run
from tests.report.browser import Seen, look

_LOOK = """
const hidden = document.getElementById("run-2"), wasOpen = hidden.open;
location.hash = "run-2"; dispatchEvent(new Event("hashchange"));
const opened = hidden.open;
document.querySelectorAll("details").forEach((one) => (one.open = true));
const tables = [...document.querySelectorAll("table.data")];
const named = (caption) => tables.find((one) => one.caption.textContent === caption);
const column = (table, place) =>
  [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[place].textContent);
const subjects = named("Accuracy of each subject");
const head = subjects.tHead.rows[0].cells, states = [], orders = [];
for (const place of [2, 2, 0]) {
  head[place].querySelector("button").click();
  states.push([...head].map((cell) => cell.getAttribute("aria-sort")));
  orders.push(column(subjects, place));
}
const field = document.querySelector("input[type=search]");
const count = field.parentElement.querySelector("output");
const filtered = field.closest(".filter").nextElementSibling.querySelector("table");
field.value = "s13"; field.dispatchEvent(new Event("input"));
const focusable = [...document.querySelectorAll("a[href], button, summary, input")];
const luminance = (text) => {
  const parts = text.match(/[\\d.]+/g).slice(0, 3).map((one) => one / 255)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const contrast = (selector) => {
  const ground = luminance(getComputedStyle(document.body).backgroundColor);
  const ink = luminance(getComputedStyle(document.querySelector(selector)).color);
  return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
};
return {
  wasOpen, opened, states, orders, filter: column(filtered, 0), count: count.textContent,
  labelled: document.querySelector(`label[for="${field.id}"]`).textContent,
  overflow: document.documentElement.scrollWidth - innerWidth,
  contrasts: ["body", "caption", "nav a", ".interval"].map(contrast),
  ground: luminance(getComputedStyle(document.body).backgroundColor),
  first: focusable[0].className, unreachable: focusable.filter((one) => one.tabIndex < 0).length,
  requests: performance.getEntriesByType("resource").map((one) => one.name),
  hacked: window.hacked ?? null, scripts: document.querySelectorAll("script").length,
  foreign: document.querySelectorAll("main b, main i, iframe, [onerror], [onclick], a[href^=javascript]").length,
  nameless: [...document.querySelectorAll("img")].filter((one) => !one.alt).length,
  texts: document.querySelector("main").textContent,
};
"""
EVIL = {
    "negative": "<script>window.hacked=1</script>",
    "positive": "\"'><img src=x onerror=window.hacked=1>",
    "surprise": "</style></script><b>javascript:window.hacked=1</b>&amp;",
    "s02": "<i onclick=window.hacked=1>s02</i>",
    "c3": "'\"><script>window.hacked=1</script>",
}


def evil_page(folder: Path) -> str:
    """A report of three runs of 15 subjects whose names all try to be HTML."""
    for depth in (1, 2, 4):
        table = fake_predictions(subjects=15, right=0.6, seed=depth)
        named = table.replace(EVIL).rename(columns={f"prob_{name}": f"prob_{evil}" for name, evil in EVIL.items()})
        run = write_run(
            folder / f"{depth} <img src=x onerror=window.hacked=1>", {"depth": depth, "note": EVIL["s02"]}, table
        )
        named.to_csv(run / "predictions.csv", index=False)
        metrics = fake_metrics(named, [EVIL[name] for name in ("negative", "positive", "surprise")])
        metrics["command"] = ["mer", "train", f"note={EVIL['positive']}"]
        (run / "metrics.json").write_text(json.dumps(metrics))
    return render_report(find_runs([folder]), f"mer: {EVIL['surprise']}")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return evil_page(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def desktop(page: str, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return look(page, _LOOK, tmp_path_factory.mktemp("desktop"))


@pytest.fixture(scope="module")
def found(desktop: Seen) -> Any:
    return desktop.found


def test_page_runs_without_errors_and_asks_for_nothing(desktop: Seen) -> None:
    assert desktop.errors == []
    assert desktop.console == []
    assert desktop.found["requests"] == []


def test_names_that_are_html_stay_text(found: Any) -> None:
    assert found["hacked"] is None
    assert found["scripts"] == 2  # the page's and the test's
    assert found["foreign"] == 0
    for name in EVIL.values():
        assert name in found["texts"]


def test_buttons_sort_up_then_down_by_number_and_by_name(found: Any) -> None:
    assert found["states"] == [[None, None, "ascending"], [None, None, "descending"], ["ascending", None, None]]
    up, down, names = found["orders"]
    shares = [float(text) for text in up]
    assert shares == sorted(shares)
    assert len(set(shares)) > 1
    assert [float(text) for text in down] == shares[::-1]
    assert names[-1] == "smic-s15"
    assert len(names) == 15


def test_filter_leaves_rows_with_the_word_and_counts_them(found: Any) -> None:
    assert found["filter"] == ["smic-s13"]
    assert found["count"] == "1 of 15 rows"
    assert found["labelled"] == "Show rows with"


def test_link_to_a_run_opens_it(found: Any) -> None:
    assert (found["wasOpen"], found["opened"]) == (False, True)


def test_keyboard_reaches_everything_and_skips_first(found: Any) -> None:
    assert found["first"] == "skip"
    assert found["unreachable"] == 0
    assert found["nameless"] == 0


def test_page_fits_a_screen_and_is_readable_in_light_colours(found: Any) -> None:
    assert found["overflow"] <= 0
    assert min(found["contrasts"]) >= 4.5
    assert found["ground"] > 0.9


def test_page_fits_a_phone_and_is_readable_in_dark_colours(page: str, tmp_path: Path) -> None:
    found = look(page, _LOOK, tmp_path, width=390, dark=True).found
    assert found["overflow"] <= 0
    assert min(found["contrasts"]) >= 4.5
    assert found["ground"] < 0.1
