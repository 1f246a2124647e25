"""Figures of a sweep: a curve over one number, a heat map over two, else bars. Told apart by shape and hatch too."""

import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mer.comparison import SeedGroup
from mer.errors import MerError
from mer.predictions import MAIN_SCORES
from mer.report.figure_files import BLUE, GREEN, SMALLEST_PT, VERMILION, WIDTH_IN, ink_on, plain_text, write_figure
from mer.runs import differing_settings

_LOOKS = {"accuracy": (BLUE, "o", ""), "uf1": (VERMILION, "s", "///"), "uar": (GREEN, "^", "...")}
_LETTER_IN = 0.075  # width of a letter of the labels beside bars
_LOG_SPAN = 8  # settings that span more are drawn on a logarithmic axis
_LONGEST_LABEL = 60
_MOST_COLUMNS = 4  # of a heat map; with more, the three stand one below the other


def write_sweep_figures(groups: Sequence[SeedGroup], folder: Path) -> list[Path]:
    """Write the figure that fits the settings in which ``groups`` differ. Returns the PNG and the SVG.

    Raises:
        MerError: the groups do not differ.
    """
    figure, names = draw_sweep(groups)
    return write_figure(figure, folder / f"{'_by_'.join(names)}.png")


def draw_sweep(groups: Sequence[SeedGroup]) -> tuple[Figure, list[str]]:
    """The figure that fits the settings in which ``groups`` differ, and their names: ``runs`` where bars show them.

    Raises:
        MerError: the groups do not differ.
    """
    settings = [_but_for_seed(one) for one in differing_settings([group.runs[0] for group in groups])]
    names = list(settings[0]) if settings else []
    if not names:
        raise MerError("runs that differ in a setting other than seed", f"{len(groups)}", "leave --figures out")
    are_numbers = all(_is_number(value) for one in settings for value in one.values())
    if are_numbers and len(names) == 1:
        return _curve(names[0], [float(one[names[0]]) for one in settings], groups), names
    if are_numbers and len(names) == 2:
        return _heat_map(names, [(one[names[0]], one[names[1]]) for one in settings], groups), names
    return _bars([_label(one) for one in settings], groups), ["runs"]


def _curve(name: str, values: Sequence[float], groups: Sequence[SeedGroup]) -> Figure:
    figure = Figure(figsize=(5.5, 3.8), layout="constrained")
    axes = figure.subplots()
    order = np.argsort(values)
    at = np.array(values)[order]
    is_wide = at[0] > 0 and at[-1] / at[0] > _LOG_SPAN
    for number, score in enumerate(MAIN_SCORES, start=-1):  # side by side, so that no error bar hides another
        beside = at * 1.03**number if is_wide else at + 0.008 * number * np.ptp(at)
        _points(axes, beside, [groups[index] for index in order], score)
    if is_wide:
        axes.set_xscale("log")
    axes.set_xticks(at, [f"{value:g}" for value in at])
    axes.minorticks_off()
    axes.set(xlabel=name, ylabel="pooled score", title=_spread(groups))
    axes.legend()
    return figure


def _heat_map(names: Sequence[str], pairs: Sequence[tuple[str, str]], groups: Sequence[SeedGroup]) -> Figure:
    rows, columns = (sorted({pair[side] for pair in pairs}, key=_by_number) for side in (0, 1))
    tables = {score: np.full((len(rows), len(columns)), np.nan) for score in MAIN_SCORES}
    for (row, column), group in zip(pairs, groups, strict=True):
        for score, table in tables.items():
            table[rows.index(row), columns.index(column)] = group.mean[score]
    low, high = np.nanmin(list(tables.values())), np.nanmax(list(tables.values()))
    is_wide = len(columns) > _MOST_COLUMNS
    height = (len(tables) if is_wide else 1) * (0.9 + 0.45 * len(rows)) + 0.4
    figure = Figure(figsize=(WIDTH_IN, height), layout="constrained")
    panels = figure.subplots(*((len(tables), 1) if is_wide else (1, len(tables))), sharex=is_wide, sharey=True)
    for axes, (score, table) in zip(panels, tables.items(), strict=True):
        image = axes.imshow(table, cmap="cividis", vmin=low, vmax=high, aspect="auto")
        for (row, column), value in np.ndenumerate(table):
            text, ink = ("-", "black") if np.isnan(value) else (f"{value:.3f}", ink_on(image.to_rgba(value)))
            axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=SMALLEST_PT)
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(rows)), rows)
        axes.set(title=MAIN_SCORES[score], xlabel=names[1])
        axes.label_outer()
    panels[0].set_ylabel(names[0])
    figure.colorbar(image, ax=list(panels), label="pooled score")
    return figure


def _bars(labels: Sequence[str], groups: Sequence[SeedGroup]) -> Figure:
    space = min(_LETTER_IN * max(map(len, labels)), WIDTH_IN / 3)
    figure = Figure(figsize=(WIDTH_IN, 1.4 + 0.6 * len(groups)), layout="constrained")
    axes = figure.subplots()
    at = np.arange(len(groups), dtype=float)
    for number, (score, (colour, _, hatch)) in enumerate(_LOOKS.items()):
        means = np.array([group.mean[score] for group in groups])
        errors = np.array([_error(group, score) for group in groups]).T
        look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": "white", "ecolor": "black", "capsize": 2}
        axes.barh(at + 0.27 * (number - 1), means, 0.25, xerr=errors, label=MAIN_SCORES[score], **look)
    axes.set_yticks(at, [fill(label, int(space / _LETTER_IN)) for label in labels])
    axes.invert_yaxis()
    axes.set(xlabel="pooled score", xlim=(0, 1), title=_spread(groups))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(_LOOKS))
    return figure


def _points(axes: Axes, at: NDArray[np.float64], groups: Sequence[SeedGroup], score: str) -> None:
    colour, marker, _ = _LOOKS[score]
    means = np.array([group.mean[score] for group in groups])
    errors = np.array([_error(group, score) for group in groups]).T
    axes.errorbar(at, means, errors, color=colour, marker=marker, capsize=3, label=MAIN_SCORES[score])


def _error(group: SeedGroup, score: str) -> tuple[float, float]:
    """How far down and up: one sd over seeds, or the interval over subjects of a single run."""
    if group.sd is not None:
        return group.sd[score], group.sd[score]
    low, high = group.runs[0].metrics["intervals"][score]
    return max(0.0, group.mean[score] - low), max(0.0, high - group.mean[score])  # a percentile may lie beyond it


def _spread(groups: Sequence[SeedGroup]) -> str:
    counts = sorted({len(group.runs) for group in groups})
    if counts == [1]:
        return "95 % intervals over subjects"
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    single = "; single runs: 95 % over subjects" if counts[0] == 1 else ""
    return f"mean and sd over {seeds} seeds{single}"


def _but_for_seed(settings: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name != "seed"}


def _label(settings: dict[str, str]) -> str:
    text = " ".join(f"{name.rpartition('.')[2]}={_bare(value)}" for name, value in settings.items() if value != "-")
    return plain_text(text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 3]}...")


def _bare(value: str) -> str:
    """A list as its words: ``['u', 'v']`` as ``u,v``."""
    return re.sub(r"[\[\]' ]", "", value) if value.startswith("[") else value


def _by_number(value: str) -> tuple[bool, float, str]:
    return (False, float(value), "") if _is_number(value) else (True, 0.0, value)


def _is_number(value: str) -> bool:
    try:
        return bool(np.isfinite(float(value)))
    except ValueError:
        return False
