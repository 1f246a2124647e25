"""The confusion matrix as a figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mer.report.figure_files import SMALLEST_PT, WIDTH_IN, ink_on, plain_text, write_figure


def plot_confusion(confusion: NDArray[Any], classes: Sequence[str], title: str, path: Path) -> None:
    """Row-normalised confusion matrix with counts, as the paper's Fig. 5-6, written as PNG and SVG.

    Args:
        confusion: counts ``(C, C)``, rows are targets.
        classes: names of the C classes.
        title: of the figure.
        path: of the PNG; the SVG lies beside it.
    """
    write_figure(draw_confusion(confusion, classes, title), path)


def draw_confusion(confusion: NDArray[Any], classes: Sequence[str], title: str) -> Figure:
    """The figure of :func:`plot_confusion`; a class without clips has a row of ``-``."""
    share = row_shares(confusion)
    side = min(2.2 + 0.8 * len(classes), WIDTH_IN - 0.8)
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(share, vmin=0, vmax=1, cmap="cividis")
    for (row, column), value in np.ndenumerate(share):
        text = "-" if np.isnan(value) else f"{value:.2f}\n({confusion[row, column]})"
        ink = "black" if np.isnan(value) else ink_on(image.cmap(float(value)))
        axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=SMALLEST_PT + 1)
    axes.set(title=plain_text(title), xlabel="prediction", ylabel="target")
    names = [plain_text(name) for name in classes]
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    figure.colorbar(image, label="share of the class's clips")
    return figure


def row_shares(confusion: NDArray[Any]) -> NDArray[np.float64]:
    """Each row over its sum, ``(C, C)``; NaN where a class has no clips."""
    counts = confusion.sum(axis=1, keepdims=True).astype(float)
    shares: NDArray[np.float64] = np.full(confusion.shape, np.nan)
    np.divide(confusion, counts, out=shares, where=counts > 0)
    return shares
