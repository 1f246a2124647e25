"""Preparing clips, landmarks given, beside reading and decoding their frames, which no way around can save."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pandas as pd
from rich.table import Table

from mer.align import EyeCrop, GivenLandmarks
from mer.apex import AnnotatedApex, MiddleApex
from mer.bench.timing import seconds
from mer.clip import ClipIndex
from mer.datasets import Casme2
from mer.frames import Image, map_frames
from mer.keyframes import apex_index, needed_frames
from mer.magnify import IIR
from mer.preparation import Preparation
from mer.store import Store
from mer.synth import write_casme2

DURATION_S = (0.34, 0.34)  # about 34 frames from onset to apex, the mean of CASME II's sheet


def bench_preparation(folder: Path, n_clips: int, repeats: int) -> list[dict[str, object]]:
    """Seconds to decode all frames from onset to apex, and to prepare the clips into an empty store.

    Preparing is all but the landmark network: digests of the files, decoding, crops, bands, and writing the store.

    Args:
        folder: empty, the clips are written to it.
        n_clips: clips, each of another subject.
        repeats: the two are measured in turn, so often; medians count.
    """
    write_casme2(folder, subjects=n_clips, clips_per_subject=1, duration_s=DURATION_S)
    index = Casme2(folder).load()
    apex = AnnotatedApex(MiddleApex())
    files = [needed_frames(clip, apex_index(clip, apex), IIR()) for _, clip in index.clips.iterrows()]
    pairs = [(seconds(lambda: _decode(files)), _prepare(folder, index, apex)) for _ in range(repeats + 1)][1:]
    decoding, preparing = (median(column) for column in zip(*pairs, strict=True))
    frames = sum(map(len, files))
    return [
        {
            "what": f"{n_clips} clips, {frames} frames of 640x480",
            "decode_s": decoding,
            "mer_s": preparing,
            "ratio": preparing / decoding,
            "frames_per_s": frames / preparing,
        }
    ]


def preparation_table(rows: Sequence[dict[str, object]]) -> Table:
    """The rows for a terminal."""
    table = Table("what", "reading and decoding (s)", "mer prepare (s)", "ratio", "frames/s", title="prepare")
    for row in rows:
        numbers = f"{row['decode_s']:.3f}", f"{row['mer_s']:.3f}", f"{row['ratio']:.2f}x", f"{row['frames_per_s']:.0f}"
        table.add_row(str(row["what"]), *numbers)
    return table


def _decode(clips: Sequence[tuple[str, ...]]) -> None:
    for files in clips:
        for _ in map_frames(_nothing, files):
            pass


def _nothing(name: str, frame: Image) -> None:
    return


def _prepare(folder: Path, index: ClipIndex, apex: AnnotatedApex) -> float:
    with TemporaryDirectory() as store:
        aligner = EyeCrop(GivenLandmarks(folder / "landmarks.csv"))
        aligner.landmark_state(_first(index))  # the table of landmarks is read before, as a network's weights would be
        preparation = Preparation(Store(store), aligner, apex, IIR())
        return seconds(lambda: preparation.run(index, lambda done, total: None))


def _first(index: ClipIndex) -> pd.Series:
    return index.clips.iloc[0]
