"""Synthetic clips in CASME II's layout on disk."""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mer.synth.folder import claim_folder, write_atomically
from mer.synth.identity import make_subject
from mer.synth.motion import Motion, Scale, make_motion
from mer.synth.portrait import FloatArray
from mer.synth.render import camera, encode_jpeg, enlarge, warp_neutral
from mer.synth.settings import Settings
from mer.synth.sheet import SHEET_NAME, ClipRow, sheet_bytes

# Raw emotion names of the sheet, each with the combinations of action units that a clip draws from.
EMOTIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "happiness": ((6, 12), (6, 12), (12,)),
    "surprise": ((1, 2), (1, 2), (1,)),
    "disgust": ((4, 9), (4, 10), (4, 9, 10), (4,)),
}
CLIPS_PER_EPISODE = 3  # EP01_01f, EP01_02f, EP01_03f, EP02_01f, ...


@dataclass(frozen=True)
class WrittenClip:
    """One clip on disk.

    Attributes:
        row: its row of the sheet.
        peak_px: longest displacement of its action units.
        landmarks: ``(68, 2)``, px, on its onset frame.
    """

    row: ClipRow
    peak_px: float
    landmarks: FloatArray


def write_casme2(
    out: Path | str,
    *,
    subjects: int = 6,
    clips_per_subject: int = 10,
    frames: int = 24,
    seed: int = 0,
    noise_grey: float = 10.0,
    drift_px: float = 0.3,
    motion_px: tuple[float, float] = (0.3, 1.5),
    distractor_px: float = 0.3,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Write synthetic micro-expression clips of three emotions as CASME II lays them out.

    The same arguments write the same bytes, and a clip does not depend on how many others are written. A
    folder that the same arguments wrote before is written again, which completes one that was cut off.

    Args:
        out: folder to write to; new, empty, or written before with the same arguments.
        subjects: number of subjects, 2 to 99.
        clips_per_subject: number of clips of each, 1 to 99; the first three show the three emotions.
        frames: frames a clip, onset to offset, 4 to 1000.
        seed: of all random choices.
        noise_grey: standard deviation of the camera's noise, grey levels of 255.
        drift_px: largest drift of the head from its place at onset, px.
        motion_px: smallest and largest peak displacement of a clip's action units, px.
        distractor_px: largest displacement of a movement that has nothing to do with the emotion, px.
        progress: called with (clips done, clips in all) after each clip.

    Returns:
        One row a clip: subject (``sub01``), clip, onset, apex, offset (frame numbers), action_units
        (``6+12``), emotion, peak_px (longest displacement of its action units).

    Raises:
        MerError: an argument is out of bounds, or ``out`` holds anything else.
    """
    scale = Scale((*motion_px,), drift_px, distractor_px, noise_grey)
    settings = Settings(subjects, clips_per_subject, frames, seed, scale)
    folder = Path(out)
    claim_folder(folder, settings.readme())
    written: list[WrittenClip] = []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for number in range(1, subjects + 1):
            clips = write_subject(folder, number, settings, pool)
            for clip in clips:
                written.append(clip)
                if progress is not None:
                    progress(len(written), subjects * clips_per_subject)
    write_atomically(folder / SHEET_NAME, sheet_bytes(clip.row for clip in written))
    write_atomically(folder / "landmarks.csv", landmarks_csv(written).encode())
    return clip_table(written)


def emotion_order(clips: int, rng: np.random.Generator) -> list[str]:
    """Emotions of a subject's clips: each once in random order, then by the subject's own tendency."""
    names = list(EMOTIONS)
    first = [names[index] for index in rng.permutation(len(names))]
    tendency = rng.dirichlet((3.0, 3.0, 4.0))  # disgust is the most frequent of the three in CASME II
    rest = rng.choice(names, max(0, clips - len(names)), p=tendency)
    return [*first, *map(str, rest)][:clips]


def write_subject(folder: Path, number: int, settings: Settings, pool: Executor) -> Iterator[WrittenClip]:
    """Write all clips of subject ``number`` (from 1) in ``pool``; yields them in order, as they are done."""
    subject = make_subject(np.random.SeedSequence(settings.seed, spawn_key=(number,)))
    enlarged = enlarge(subject.neutral)
    # Clips count from 1, so 0 is free for what concerns the order of the clips.
    order_rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(number, 0)))
    emotions = emotion_order(settings.clips_per_subject, order_rng)

    def write(clip: int) -> WrittenClip:
        rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(number, clip)))
        units = EMOTIONS[emotions[clip - 1]]
        chosen = units[int(rng.integers(len(units)))]
        peak_px = float(rng.uniform(*settings.scale.motion_px))
        motion = make_motion(subject, chosen, peak_px, settings.frames, settings.scale, rng)
        row = clip_row(number, clip, emotions[clip - 1], chosen, motion, int(rng.integers(1, 400)))
        write_frames(folder, row, motion, enlarged, settings.scale.noise_grey, rng)
        return WrittenClip(row, peak_px, subject.landmarks)

    return pool.map(write, range(1, settings.clips_per_subject + 1))


def clip_row(number: int, clip: int, emotion: str, units: tuple[int, ...], motion: Motion, onset: int) -> ClipRow:
    """The sheet's row of a subject's clip, both counted from 1."""
    episode, take = divmod(clip - 1, CLIPS_PER_EPISODE)
    name = f"EP{episode + 1:02d}_{take + 1:02d}f"
    last = len(motion.weights) - 1
    return ClipRow(f"{number:02d}", name, onset, onset + motion.apex, onset + last, units, emotion)


def write_frames(
    folder: Path, row: ClipRow, motion: Motion, enlarged: FloatArray, noise: float, rng: np.random.Generator
) -> None:
    """Write one clip's true flow and its frames, with ``noise`` grey levels of camera noise."""
    flow = io.BytesIO()
    np.save(flow, motion.flow(motion.apex).astype(np.float16))
    write_atomically(folder / "true_flow" / f"sub{row.subject}" / f"{row.clip}.npy", flow.getvalue())
    frames = folder / "CASME2-RAW" / f"sub{row.subject}" / row.clip
    for index in range(len(motion.weights)):
        image = camera(warp_neutral(enlarged, motion.flow(index)), noise, rng)
        write_atomically(frames / f"img{row.onset + index}.jpg", encode_jpeg(image))


def landmarks_csv(clips: Sequence[WrittenClip]) -> str:
    """Text of landmarks.csv: subject, clip, onset frame, then the 68 x and the 68 y in px."""
    names = [f"{axis}_{point}" for axis in "xy" for point in range(68)]
    lines = [",".join(["subject", "clip", "frame", *names])]
    for clip in clips:
        values = ",".join(f"{value:.3f}" for value in clip.landmarks.T.ravel())
        lines.append(f"sub{clip.row.subject},{clip.row.clip},{clip.row.onset},{values}")
    return "\n".join(lines) + "\n"


def clip_table(clips: Sequence[WrittenClip]) -> pd.DataFrame:
    """One row a clip, columns as ``write_casme2`` returns them."""
    columns = ("subject", "clip", "onset", "apex", "offset", "action_units", "emotion", "peak_px")
    rows = [
        (f"sub{r.subject}", r.clip, r.onset, r.apex, r.offset, r.action_units_text, r.emotion, clip.peak_px)
        for clip in clips
        for r in [clip.row]
    ]
    return pd.DataFrame(rows, columns=list(columns))
