"""Figures of a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mer.files import atomic_file


def plot_confusion(confusion: NDArray[Any], classes: Sequence[str], title: str, path: Path) -> None:
    """Row-normalised confusion matrix with counts, as the paper's Fig. 5-6, written as PNG.

    Args:
        confusion: counts ``(C, C)``, rows are targets.
        classes: names of the C classes.
        title: of the figure.
        path: of the PNG.
    """
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    side = 2.2 + 0.8 * len(classes)
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(share, vmin=0, vmax=1, cmap="cividis")
    for (row, column), value in np.ndenumerate(share):
        colour = "black" if value > 0.5 else "white"
        axes.text(column, row, f"{value:.2f}\n({confusion[row, column]})", ha="center", va="center", color=colour)
    axes.set(title=title, xlabel="prediction", ylabel="target")
    axes.set_xticks(range(len(classes)), classes, rotation=30, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    figure.colorbar(image, label="share of the class's clips")
    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=150, format="png")
