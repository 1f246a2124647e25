"""A whole data set: subjects and clips, written in a layout, with the truth beside them."""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from mer.synth.clips import Clip, make_clip, render_frames, to_grey
from mer.synth.emotions import emotion_order
from mer.synth.folder import claim_folder, write_atomically
from mer.synth.identity import make_subject
from mer.synth.layout import Layout, Row
from mer.synth.pose import subject_pose
from mer.synth.readme import readme_text
from mer.synth.render import enlarge
from mer.synth.settings import Settings

Progress = Callable[[int, int], None]


def write_corpus(out: Path | str, layout: Layout, settings: Settings, progress: Progress | None) -> pd.DataFrame:
    """Write all clips, then the sheet, ``landmarks.csv`` and ``truth.csv``; return the table of ``truth.csv``.

    Its ``attrs["words"]`` are the words of a mer command that choose this dataset.
    """
    settings.require_frames(layout.fps)
    folder = Path(out)
    claim_folder(folder, readme_text(layout.words, layout.description, settings))
    written: list[Row] = []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for number in range(1, settings.subjects + 1):
            for row in write_subject(folder, layout, number, settings, pool):
                written.append(row)
                if progress is not None:
                    progress(len(written), settings.subjects * settings.clips_per_subject)
    table = truth_table(layout.name, written)
    table.attrs["words"] = layout.words
    name, sheet = layout.sheet(written)
    write_atomically(folder / name, sheet)
    write_atomically(folder / "landmarks.csv", landmarks_csv(written).encode())
    write_atomically(folder / "truth.csv", table.to_csv(index=False, lineterminator="\n").encode())
    return table


def write_subject(folder: Path, layout: Layout, number: int, settings: Settings, pool: Executor) -> Iterator[Row]:
    """Write all clips of subject ``number`` (from 1) in ``pool``; yields them in order, as they are done."""
    subject = make_subject(_seed(settings, number))
    enlarged = enlarge(to_grey(subject.neutral) if layout.is_grey else subject.neutral)
    # Clips count from 1, so 0 is free for what concerns all of them.
    rng = np.random.default_rng(_seed(settings, number, 0))
    usual = subject_pose(rng, settings.head_variation)
    names = emotion_order(layout.emotions, settings.clips_per_subject, rng)

    def write(clip_number: int) -> Row:
        emotion = names[clip_number - 1]
        clip_rng = np.random.default_rng(_seed(settings, number, clip_number))
        choice = (emotion, layout.emotions[emotion])
        clip = make_clip(subject, usual, choice, clip_number, settings, layout.fps, layout.onsets, clip_rng)
        row = _row(layout, number, clip, names)
        write_atomically(folder / "true_flow" / row.subject / f"{row.clip}.npy", true_flow_bytes(clip))
        for frame, jpeg in render_frames(clip, enlarged, settings):
            write_atomically(folder / layout.frame_path(row, frame), jpeg)
        return row

    return pool.map(write, range(1, settings.clips_per_subject + 1))


def _seed(settings: Settings, *key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(settings.seed, spawn_key=key)


def _row(layout: Layout, number: int, clip: Clip, emotions: Sequence[str]) -> Row:
    subject, name = layout.names(number, clip.number, emotions)
    apex, offset = clip.frame_number + clip.onset_to_apex, clip.frame_number + clip.onset_to_offset
    frames = (clip.frame_number, apex, offset)
    return Row(subject, name, number, *frames, clip.action_units, clip.emotion, clip.peak_px, clip.landmarks)


def true_flow_bytes(clip: Clip) -> bytes:
    """The true flow from onset to apex as an ``.npy`` file of float16."""
    buffer = io.BytesIO()
    np.save(buffer, clip.motion.flow(clip.motion.apex).astype(np.float16))
    return buffer.getvalue()


def landmarks_csv(rows: Sequence[Row]) -> str:
    """Text of landmarks.csv: subject, clip, onset frame, then the 68 x and the 68 y in px."""
    names = [f"{axis}_{point}" for axis in "xy" for point in range(68)]
    lines = [",".join(["subject", "clip", "frame", *names])]
    for row in rows:
        values = ",".join(f"{value:.3f}" for value in row.landmarks.T.ravel())
        lines.append(f"{row.subject},{row.clip},{row.onset},{values}")
    return "\n".join(lines) + "\n"


def truth_table(dataset: str, rows: Sequence[Row]) -> pd.DataFrame:
    """One row a clip: what is true about it, whatever its dataset's sheet tells."""
    names = ("subject", "clip", "onset", "apex", "offset", "action_units", "emotion")
    table = pd.DataFrame([[getattr(row, name) for name in names] for row in rows], columns=list(names))
    table.insert(0, "dataset", dataset)
    table["peak_px"] = [round(row.peak_px, 4) for row in rows]
    return table
