"""A self-contained HTML report of finished runs: one file, no network, every name escaped, below 10 MB."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

import matplotlib as mpl
from matplotlib.colors import to_hex

from mer.report.figure_files import ink_on
from mer.report.html_overview import runs_table, summary, sweep_figure, unfinished_table
from mer.report.html_pictures import Pictures
from mer.report.html_run import run_section
from mer.report.markup import Markup, element, joined
from mer.report.reproduce import command_of
from mer.runs import Run, UnfinishedRun

_PICTURES_BYTES = 5_500_000
_SECTIONS_BYTES = 2_500_000
_COMMANDS_BYTES = 400_000
_OPEN_RUNS = 1  # a report of no more shows their sections open


def render_report(runs: Sequence[Run], title: str, unfinished: Sequence[UnfinishedRun] = ()) -> str:
    """The page: summary, table, figure of the sweep, a section a run, how to reproduce.

    Args:
        runs: finished ones, at least one.
        title: of the page.
        unfinished: runs without a result, which are listed.
    """
    runs = sorted(runs, key=_in_number_order)
    pictures = Pictures(_PICTURES_BYTES)
    figure = sweep_figure(runs, pictures)
    sections = _sections(runs, pictures)
    chapters = {
        "Summary": summary(runs),
        "Runs": joined([runs_table(runs, len(sections)), figure]),
        "Without a result": unfinished_table(unfinished) if unfinished else Markup(),
        "Each run": joined([*sections, _left_out(len(runs) - len(sections), pictures)]),
        "How to reproduce": _commands(runs),
    }
    return _page(title, {name: content for name, content in chapters.items() if content})


def _sections(runs: Sequence[Run], pictures: Pictures) -> list[Markup]:
    """As many sections as the page has room for."""
    sections: list[Markup] = []
    free = _SECTIONS_BYTES
    for number, run in enumerate(runs, start=1):
        before = pictures.used_bytes
        section = run_section(run, number, pictures, is_open=len(runs) <= _OPEN_RUNS)
        free -= len(section.encode()) - (pictures.used_bytes - before)
        if free < 0:
            break
        sections.append(section)
    return sections


def _in_number_order(run: Run) -> list[tuple[int, str]]:
    """Sorts ``alpha=5`` before ``alpha=10``."""
    parts = re.split(r"(\d+)", str(run.path))
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _left_out(runs: int, pictures: Pictures) -> Markup:
    """What the page has no room for, in words."""
    told = []
    if pictures.left_out:
        told.append(f"{pictures.left_out} pictures")
    if runs:
        told.append(f"the sections of {runs} runs")
    if not told:
        return Markup()
    text = f"Left out to keep the page below 10 MB: {' and '.join(told)}. "
    return element("p", text, element("code", "mer report RUN"), " on a run's folder shows all of it.", class_="note")


def _commands(runs: Sequence[Run]) -> Markup:
    commands = list(dict.fromkeys(command for run in runs if (command := command_of(run))))
    shown, free = [], _COMMANDS_BYTES
    for command in commands:
        free -= len(command.encode()) + 1
        if free < 0:
            break
        shown.append(command)
    parts = [element("p", _HOW)]
    if shown:
        parts.append(element("pre", element("code", "\n".join(shown)), tabindex="0"))
    if len(shown) < len(commands):
        parts.append(element("p", f"{len(commands) - len(shown)} more command lines were left out."))
    return joined(parts)


_HOW = (
    "Versions, git commit and configuration stand in each run's section. Predictions are equal on an equal machine "
    "with an equal number of threads; elsewhere sums of floats differ in their last digits, and training grows that. "
    "~ stands for the home folder, *** for what is kept secret."
)


def _page(title: str, chapters: Mapping[str, Markup]) -> str:
    style, script = (files("mer.report").joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
    style += _confusion_shades()
    links = (element("a", name, href=f"#{_slug(name)}") for name in chapters)
    head = joined(
        [
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="referrer", content="no-referrer"),
            element("title", title),
            element("style", Markup(style)),
        ]
    )
    body = joined(
        [
            element("a", "Skip to the content", href="#content", class_="skip"),
            element("header", element("h1", title), element("nav", *links, aria_label="Chapters")),
            element("main", *(_chapter(*one) for one in chapters.items()), id="content", tabindex="-1"),
            element("script", Markup(script)),
        ]
    )
    return f"<!doctype html>\n{element('html', element('head', head), element('body', body), lang='en')}\n"


def _chapter(name: str, content: Markup) -> Markup:
    heading = element("h2", name, id=f"{_slug(name)}-heading")
    return element("section", heading, content, id=_slug(name), aria_labelledby=f"{_slug(name)}-heading")


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def _policy(style: str, script: str) -> str:
    """Nothing may be loaded; style and script are these and no others."""
    return "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _confusion_shades() -> str:
    colours = [to_hex(mpl.colormaps["cividis"](share / 10)) for share in range(11)]
    return "".join(f".s{n}{{background:{colour};color:{ink_on(colour)}}}\n" for n, colour in enumerate(colours))
