"""Spotting and recognition on rendered minutes: ``python experiments/predict/run.py``, see README.md."""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from video import SECONDS, SyntheticVideo, TrueLandmarks

from mer.cli import main as mer
from mer.export import ReleasedModel
from mer.metrics.spotting import SpottingCounts, match_intervals, spotting_counts
from mer.predict import Prediction, Recognizer, SpotSettings, Spotting, spot
from mer.predict.spotting import chosen_movements
from mer.progress import say
from mer.synth import write_smic
from mer.synth.identity import make_subject
from mer.trained import load_run

HERE = Path(__file__).parent
MOTIONS = {"0.3 to 0.6 px": (0.3, 0.6), "0.6 to 1.2 px": (0.6, 1.2)}
SENSITIVITIES = (0.25, 0.5, 0.75, 1.0)
KEPT = 1e6  # times that no blink's eyelids move further
LEAST_IOU = 0.5


def main() -> None:
    """Render and spot, train, label; write the tables beside this file as they grow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=2, help="of each size of movement (default 2)")
    parser.add_argument("--seed", type=int, default=1, help="of the first video; the training clips have 0 (default 1)")
    parser.add_argument("--spotting-only", action="store_true", help="train and label nothing")
    given = parser.parse_args()
    videos = [
        (motion, seed, *spotted(seed, motion_px))
        for seed in range(given.seed, given.seed + given.videos)
        for motion, motion_px in MOTIONS.items()
    ]
    rows = [row for one in videos for row in spotting_rows(*one)]
    write_tables(rows)
    if given.spotting_only:
        return
    with tempfile.TemporaryDirectory() as folder:
        model = trained_model(Path(folder))
    for motion, seed, video, spotting in videos:
        recognizer = Recognizer(model, TrueLandmarks(video.landmarks_px), source="smic, rendered")
        right, labelled = labelled_hits(video, recognizer.label(video, spotting))
        say(f"{motion}, seed {seed}: {right} of {labelled} right")
        for row in rows:
            if (row["motion"], row["seed"], row["sensitivity"], row["blinks"]) == (motion, seed, 0.5, "left out"):
                row |= {"labelled_hits": labelled, "right": right}
        write_tables(rows)


def spotted(seed: int, motion_px: tuple[float, float]) -> tuple[SyntheticVideo, Spotting]:
    """A minute of a subject of its own, and what is spotted in it."""
    subject = make_subject(np.random.SeedSequence(1000 + seed))
    video = SyntheticVideo(f"seed{seed}", subject, motion_px, seed)
    found = spot(video, TrueLandmarks(video.landmarks_px), SpotSettings())
    say(f"seed {seed}, {motion_px} px: {len(found.movements)} spotted, {len(video.planted)} planted")
    return video, found


def trained_model(folder: Path) -> ReleasedModel:
    """Networks of three folds, trained on clips of six other subjects at 100 fps, magnified in a band told in Hz."""
    clips = {"subjects": 6, "clips_per_subject": 6, "duration_s": (0.12, 0.4), "motion_px": (0.3, 1.2), "seed": 0}
    write_smic(folder / "smic", frame_size=(400, 400), **clips)
    words = ["train", "experiment=demo", "dataset=smic", "labels=smic", "magnify=evm_hz", "name=predict"]
    words += ["magnify.temporal.high_hz=10", "protocol=subject_kfold", "protocol.k=3"]
    places = [f"dataset.root={folder / 'smic'}", f"store={folder / 'store'}", f"run_dir={folder / 'run'}"]
    if mer([*words, *places]) != 0:
        raise SystemExit(1)
    return ReleasedModel.from_run(load_run(folder / "run"))


def labelled_hits(video: SyntheticVideo, found: Prediction) -> tuple[int, int]:
    """Hits with the planted class, and all hits with a label."""
    labelled = [(one.onset_frame, one.offset_frame) for one in found.movements]
    pairs = match_intervals(labelled, true_intervals(video), LEAST_IOU)
    right = sum(found.movements[row].label == video.planted[column].emotion for row, column in pairs)
    return right, len(pairs)


def spotting_rows(motion: str, seed: int, video: SyntheticVideo, found: Spotting) -> Iterator[dict[str, Any]]:
    """Counts for each sensitivity, with blinks left out; and for the default one with blinks kept."""
    default = SpotSettings()
    choices = [(value, "left out", replace(default, sensitivity=value)) for value in SENSITIVITIES]
    for value, blinks, settings in [*choices, (default.sensitivity, "kept", replace(default, blink_ratio=KEPT))]:
        chosen = chosen_movements(found.peaks, found.noise, settings, found.seconds)
        intervals = [(one.interval.onset, one.interval.offset) for one in chosen]
        counts = spotting_counts(intervals, true_intervals(video), LEAST_IOU)
        yield {"motion": motion, "seed": seed, "sensitivity": value, "blinks": blinks} | counts._asdict()


def true_intervals(video: SyntheticVideo) -> list[tuple[int, int]]:
    """Onset and offset of what was planted."""
    return [(one.interval.onset, one.interval.offset) for one in video.planted]


def write_tables(rows: list[dict[str, Any]]) -> None:
    """A row a video and choice, and their sums."""
    videos = pd.DataFrame(rows)
    for name in ("labelled_hits", "right"):
        videos[name] = videos[name].astype("Int64") if name in videos else pd.array([pd.NA] * len(videos), "Int64")
    videos.to_csv(HERE / "videos.csv", index=False, lineterminator="\n")
    table = summary(videos)
    table.to_csv(HERE / "results.csv", index=False, lineterminator="\n")
    print(table.to_string(index=False))


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Counts of all videos of a size of movement, and the measures of these."""
    by = ["motion", "sensitivity", "blinks"]
    told = []
    for names, group in rows.groupby(by, sort=False):
        counts = SpottingCounts(*(int(group[name].sum()) for name in ("hits", "spotted", "true")))
        alarms = (counts.spotted - counts.hits) / (len(group) * SECONDS / 60)
        measures = {"recall": counts.recall, "precision": counts.precision, "f1": counts.f1}
        labelled = int(group["labelled_hits"].sum())
        accuracy = int(group["right"].sum()) / labelled if labelled else float("nan")
        extra = {"false_alarms_a_minute": alarms, "accuracy_of_hits": accuracy}
        told.append(dict(zip(by, names, strict=True)) | counts._asdict() | measures | extra)
    return pd.DataFrame(told).round(3)


if __name__ == "__main__":
    main()
