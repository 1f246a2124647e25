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
    with atomic_file(path) as temporary:
        draw_timeline(prediction).savefig(temporary, dpi=120, format="png")


def draw_timeline(prediction: Prediction) -> Figure:
    """The timeline as a figure of a bounded number of parts, however long the video."""
    spotting = prediction.spotting
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(*with_gaps(*highest_of_bins(spotting.curve_s, spotting.curve_px)), color="0.25", linewidth=0.8)
    axes.axhline(spotting.threshold_px, color="0.6", linestyle="--", linewidth=0.8)
    # Collections, not a patch each: an hour may have thousands.
    faces = [(span.first_s, span.last_s - span.first_s) for span in prediction.face_spans]
    axes.broken_barh(faces, (0, 0.03), transform=axes.get_xaxis_transform(), color="0.7", linewidth=0)
    for number, label in enumerate(prediction.model.classes):
        spans = [(one.onset_s, one.offset_s - one.onset_s) for one in prediction.movements if one.label == label]
        bars = axes.broken_barh(spans, (0, 1), transform=axes.get_xaxis_transform(), label=label, linewidth=0)
        bars.set(color=_COLOURS[number % len(_COLOURS)], alpha=0.4)
    for one in prediction.movements if len(prediction.movements) <= _MOST_NAMED else ():
        text = f"{one.label} {one.probabilities[one.label]:.2f}"
        axes.annotate(text, (one.apex_s, 0.98), xycoords=("data", "axes fraction"), rotation=90, va="top", fontsize=7)
    if len(prediction.movements) > _MOST_NAMED:
        axes.legend(loc="upper right", fontsize=7)
    title = f"{prediction.video}, movements: {len(prediction.movements)}; grey below: a face is followed"
    axes.set(xlabel="time (s)", ylabel="movement (px of a 128 px crop)", title=title)
    axes.set(xlim=(0, max(prediction.duration_s, 1e-3)))
    axes.set_ylim(bottom=0)
    return figure


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
