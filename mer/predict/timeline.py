"""The timeline of a video: the spotting curve, where a face is, and the labelled movements."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mer.files import atomic_file
from mer.predict.results import Prediction

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito's
_MOST_POINTS = 4000
_MOST_NAMED = 40  # movements whose label can be read
_GAP_S = 0.5  # in the curve, where nothing was watched


def plot_timeline(prediction: Prediction, path: Path) -> None:
    """Write the timeline as PNG, whole or not at all.

    Raises:
        MerError: the folder cannot be written.
    """
    spotting = prediction.spotting
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(*with_gaps(*highest_of_bins(spotting.curve_s, spotting.curve_px)), color="0.25", linewidth=0.8)
    axes.axhline(spotting.threshold_px, color="0.6", linestyle="--", linewidth=0.8)
    for span in prediction.face_spans:
        axes.axvspan(span.first_s, span.last_s, ymax=0.03, color="0.7", linewidth=0)
    classes = prediction.model.classes
    for one in prediction.movements:
        colour = _COLOURS[classes.index(one.label) % len(_COLOURS)]
        axes.axvspan(one.onset_s, one.offset_s, color=colour, alpha=0.4, linewidth=0)
        if len(prediction.movements) <= _MOST_NAMED:
            text = f"{one.label} {one.probabilities[one.label]:.2f}"
            axes.annotate(
                text, (one.apex_s, 0.98), xycoords=("data", "axes fraction"), rotation=90, va="top", fontsize=7
            )
    title = f"{prediction.video}: {len(prediction.movements)} movements; grey below: a face is followed"
    axes.set(xlabel="time (s)", ylabel="movement (px of a 128 px crop)", title=title)
    axes.set(xlim=(0, max(prediction.duration_s, 1e-3)))
    axes.set_ylim(bottom=0)
    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=120, format="png")


def highest_of_bins(
    seconds: NDArray[np.float64], values: NDArray[np.float32], most: int = _MOST_POINTS
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """At most ``most`` points of a curve ``(n,)``: the highest of each run of neighbours, so that no peak is lost."""
    step = -(-len(values) // most)
    if step <= 1:
        return seconds, values
    rows = [start + int(values[start : start + step].argmax()) for start in range(0, len(values), step)]
    return seconds[rows], values[rows]


def with_gaps(
    seconds: NDArray[np.float64], values: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """NaN put in where the curve pauses, so that no line is drawn across."""
    step = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.0
    after = np.flatnonzero(np.diff(seconds) > max(_GAP_S, 3 * step)) + 1
    return np.insert(seconds, after, np.nan), np.insert(values, after, np.nan)
