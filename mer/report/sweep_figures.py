"""Figures of a sweep: a curve over one setting, a heat map over two, else a row a run. Told apart by shape too."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mer.comparison import SeedGroup
from mer.errors import MerError
from mer.files import atomic_file
from mer.predictions import MAIN_SCORES
from mer.runs import differing_settings

# Okabe and Ito's blue, vermilion and green, which colour-blind readers tell apart; the marker tells them in print.
_LOOKS = {"accuracy": ("#0072B2", "o"), "uf1": ("#D55E00", "s"), "uar": ("#009E73", "^")}
_LOG_SPAN = 8  # settings that span more are drawn on a logarithmic axis
_LONGEST_LABEL = 60


def write_sweep_figures(groups: Sequence[SeedGroup], folder: Path) -> list[Path]:
    """Write the figure that fits the settings in which ``groups`` differ. Returns the PNG and the SVG.

    Raises:
        MerError: the groups do not differ.
    """
    settings = [_but_for_seed(one) for one in differing_settings([group.runs[0] for group in groups])]
    names = list(settings[0]) if settings else []
    if not names:
        raise MerError("runs that differ in a setting other than seed", f"{len(groups)}", "leave --figures out")
    if len(names) == 1 and all(map(_is_number, (one[names[0]] for one in settings))):
        return _save(_curve(names[0], [float(one[names[0]]) for one in settings], groups), folder, names)
    if len(names) == 2:
        return _save(_heat_map(names, [(one[names[0]], one[names[1]]) for one in settings], groups), folder, names)
    return _save(_rows(settings, groups), folder, ["runs"])


def _curve(name: str, values: Sequence[float], groups: Sequence[SeedGroup]) -> Figure:
    figure = Figure(figsize=(5.5, 3.8), layout="constrained")
    axes = figure.subplots()
    order = np.argsort(values)
    at = np.array(values)[order]
    is_wide = at[0] > 0 and at[-1] / at[0] > _LOG_SPAN
    for number, score in enumerate(MAIN_SCORES, start=-1):  # side by side, so that no error bar hides another
        beside = at * 1.03**number if is_wide else at + 0.008 * number * np.ptp(at)
        _points(axes, beside, [groups[index] for index in order], score, is_vertical=True)
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
    figure = Figure(figsize=(2.2 + 3 * (0.7 + 0.65 * len(columns)), 1.6 + 0.5 * len(rows)), layout="constrained")
    panels = figure.subplots(1, len(tables), sharey=True)
    for axes, (score, table) in zip(panels, tables.items(), strict=True):
        image = axes.imshow(table, cmap="cividis", vmin=low, vmax=high, aspect="auto")
        for (row, column), value in np.ndenumerate(table):
            colour = "black" if np.isnan(value) or value > (low + high) / 2 else "white"
            axes.text(column, row, "-" if np.isnan(value) else f"{value:.3f}", ha="center", va="center", color=colour)
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(rows)), rows)
        axes.set(title=MAIN_SCORES[score], xlabel=names[1])
    panels[0].set_ylabel(names[0])
    figure.colorbar(image, ax=list(panels), label="pooled score")
    return figure


def _rows(settings: Sequence[dict[str, str]], groups: Sequence[SeedGroup]) -> Figure:
    figure = Figure(figsize=(8, 1.4 + 0.55 * len(groups)), layout="constrained")
    axes = figure.subplots()
    at = np.arange(len(groups), dtype=float)
    for number, score in enumerate(MAIN_SCORES):
        _points(axes, at + 0.2 * (number - 1), groups, score, is_vertical=False)
    axes.set_yticks(at, [_label(one) for one in settings])
    axes.invert_yaxis()
    axes.set(xlabel="pooled score", title=_spread(groups))
    axes.legend()
    return figure


def _points(axes: Axes, at: NDArray[np.float64], groups: Sequence[SeedGroup], score: str, is_vertical: bool) -> None:
    colour, marker = _LOOKS[score]
    means = np.array([group.mean[score] for group in groups])
    errors = np.array([_error(group, score) for group in groups]).T
    x, y = (at, means) if is_vertical else (means, at)
    xerr, yerr = (None, errors) if is_vertical else (errors, None)
    line = "-" if is_vertical else ""
    axes.errorbar(x, y, yerr, xerr, color=colour, marker=marker, linestyle=line, capsize=3, label=MAIN_SCORES[score])


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


def _save(figure: Figure, folder: Path, names: Sequence[str]) -> list[Path]:
    paths = [folder / f"{'_by_'.join(names)}.{kind}" for kind in ("png", "svg")]
    for path in paths:
        with atomic_file(path) as temporary, mpl.rc_context({"svg.hashsalt": "mer"}):
            metadata = {"Date": None} if path.suffix == ".svg" else None  # equal runs, equal file
            figure.savefig(temporary, dpi=200, format=path.suffix[1:], metadata=metadata)
    return paths


def _but_for_seed(settings: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name != "seed"}


def _label(settings: dict[str, str]) -> str:
    text = " ".join(f"{name.rpartition('.')[2]}={value}" for name, value in settings.items() if value != "-")
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 3]}..."


def _by_number(value: str) -> tuple[bool, float, str]:
    return (False, float(value), "") if _is_number(value) else (True, 0.0, value)


def _is_number(value: str) -> bool:
    try:
        return bool(np.isfinite(float(value)))
    except ValueError:
        return False
