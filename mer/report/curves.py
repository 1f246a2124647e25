"""Training curves of a run: mean and band over its folds."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from mer.report.figure_files import BLUE, WIDTH_IN, plain_text, write_figure

_BY_FOLD = ("epoch", "step")  # columns that count, and are not measured


def pool_curves(folds: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean, smallest, largest and standard deviation over folds, of each measured column, epoch by epoch.

    Args:
        folds: metrics.csv of each fold: ``epoch`` and what was measured in it, one row an epoch;
            none for a model without epochs.

    Returns:
        ``epoch``, ``name`` (the measured column), ``mean``, ``min``, ``max``, ``sd`` (0 for one fold), ``folds``.
    """
    measured = [
        fold.melt("epoch", [name for name in fold.columns if name not in _BY_FOLD], "name")
        for fold in folds
        if len(fold)
    ]
    columns = ["epoch", "name", "mean", "min", "max", "sd", "folds"]
    if not measured:
        return pd.DataFrame(columns=columns)
    by_epoch = pd.concat(measured).dropna(subset=["value"]).groupby(["name", "epoch"], sort=True)["value"]
    pooled = by_epoch.agg(mean="mean", min="min", max="max", sd="std", folds="count").reset_index()
    return pooled.fillna({"sd": 0.0})[columns]


def plot_curves(pooled: pd.DataFrame, title: str, path: Path) -> None:
    """A panel a measured column: mean over folds, in a band from the smallest to the largest; as PNG and SVG.

    Args:
        pooled: of ``pool_curves``, not empty.
        title: of the figure.
        path: of the PNG; the SVG lies beside it.
    """
    write_figure(draw_curves(pooled, title), path)


def draw_curves(pooled: pd.DataFrame, title: str) -> Figure:
    """The figure of :func:`plot_curves`."""
    names = list(dict.fromkeys(pooled["name"]))
    figure = Figure(figsize=(WIDTH_IN / 2 * min(len(names), 2), 2.8 * -(-len(names) // 2)), layout="constrained")
    panels = figure.subplots(-(-len(names) // 2), min(len(names), 2), squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        rows = pooled[pooled["name"] == name]
        axes.fill_between(rows["epoch"], rows["min"], rows["max"], color=BLUE, alpha=0.25, linewidth=0)
        axes.plot(rows["epoch"], rows["mean"], color=BLUE, marker="o" if len(rows) == 1 else None)
        axes.set(xlabel="epoch", ylabel=name.replace("_", " "))
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    told = f"{plain_text(title)}: mean of {pooled['folds'].max()} folds, smallest to largest"
    figure.suptitle(told, fontsize="medium")
    return figure
