"""Training curves of a run: mean and band over its folds."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from mer.files import atomic_file

_BLUE = "#0072B2"  # Okabe and Ito's, told apart by colour-blind readers
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
    """A panel a measured column: mean over folds, in a band from the smallest to the largest; written as PNG.

    Args:
        pooled: of ``pool_curves``, not empty.
        title: of the figure.
        path: of the PNG.
    """
    names = list(dict.fromkeys(pooled["name"]))
    figure = Figure(figsize=(4.5 * len(names), 3.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        rows = pooled[pooled["name"] == name]
        axes.fill_between(rows["epoch"], rows["min"], rows["max"], color=_BLUE, alpha=0.25, linewidth=0)
        axes.plot(rows["epoch"], rows["mean"], color=_BLUE)
        axes.set(xlabel="epoch", ylabel=name.replace("_", " "))
    figure.suptitle(f"{title}: mean of {pooled['folds'].max()} folds, smallest to largest", fontsize="medium")
    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=150, format="png")
