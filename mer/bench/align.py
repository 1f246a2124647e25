"""Landmark error and speed of every source of landmarks, on synthetic clips whose true landmarks are known.

The truth of these clips began as dlib's points on the one portrait they are warped from, corrected by hand: their
error favours dlib. It tells that a source works, and not which of them is better on real faces.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.table import Table

from mer.align import FoundLandmarks, GivenLandmarks, LandmarkSource
from mer.bench.timing import seconds
from mer.datasets import Casme2
from mer.errors import MerError
from mer.frames import Image, read_frame
from mer.metrics import mean_landmark_error
from mer.synth import write_casme2

_DURATION_S = (0.1, 0.1)  # short: the onset frame is all that is looked at


def bench_alignment(
    folder: Path, sources: Mapping[str, LandmarkSource], n_clips: int, repeats: int
) -> list[dict[str, object]]:
    """One row a source: its error, how many faces it found, and its time; or why it is absent.

    Args:
        folder: empty, the clips are written to it.
        sources: name -> source. The true landmarks as ``given`` are added, whose error is 0.
        n_clips: clips, each of another subject.
        repeats: of the timing; the median counts.
    """
    write_casme2(folder, subjects=n_clips, clips_per_subject=1, duration_s=_DURATION_S)
    index = Casme2(folder).load()
    clips = [clip for _, clip in index.clips.iterrows()]
    onsets = [read_frame(clip["files"][0]) for clip in clips]
    given = GivenLandmarks(folder / "landmarks.csv")
    truth = np.stack([found.points_px for found in given.find(onsets, clips) if isinstance(found, FoundLandmarks)])
    everything = {**sources, "given": given}
    return [{"backend": name} | _measure(source, onsets, clips, truth, repeats) for name, source in everything.items()]


def alignment_table(rows: Sequence[Mapping[str, object]]) -> Table:
    """The rows for a terminal."""
    table = Table(
        "landmarks", "AE (%)", "worst (%)", "found", "ms a frame", title=f"{rows[-1]['clips']} synthetic faces"
    )
    for row in rows:
        if "absent" in row:
            table.add_row(str(row["backend"]), "absent")
        else:
            errors = ["-" if row[name] is None else f"{100 * float(str(row[name])):.2f}" for name in ("ae", "ae_worst")]
            table.add_row(str(row["backend"]), *errors, f"{row['found']} of {row['clips']}", f"{row['ms']:.1f}")
    return table


def _measure(
    source: LandmarkSource,
    onsets: Sequence[Image],
    clips: Sequence[pd.Series],
    truth: NDArray[np.float32],
    repeats: int,
) -> dict[str, object]:
    try:
        found = source.find(onsets, clips)  # warms up too
    except MerError as error:
        return {"absent": str(error)}
    hits = [(one.points_px, true) for one, true in zip(found, truth, strict=True) if isinstance(one, FoundLandmarks)]
    errors = mean_landmark_error([true for _, true in hits], [points for points, _ in hits]) if hits else None
    times = [seconds(lambda: source.find(onsets, clips)) for _ in range(repeats)]
    return {
        "ae": None if errors is None else float(errors.mean()),
        "ae_worst": None if errors is None else float(errors.max()),
        "found": len(hits),
        "clips": len(clips),
        "ms": 1000 * median(times) / len(clips),
    }
