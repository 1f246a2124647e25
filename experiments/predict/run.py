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
from mer.metrics.spotting import SpottingCounts, match_intervals
from mer.predict import Prediction, Recognizer, SpotSettings
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
    """Train, render, predict, write the tables beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=2, help="of each size of movement (default 2)")
    parser.add_argument("--seed", type=int, default=1, help="of the first video; the training clips have 0 (default 1)")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        model = trained_model(Path(folder))
        say("model trained")
        for seed in range(given.seed, given.seed + given.videos):
            for motion, motion_px in MOTIONS.items():
                subject = make_subject(np.random.SeedSequence(1000 + seed))
                video = SyntheticVideo(f"seed{seed}", subject, motion_px, seed)
                recognizer = Recognizer(model, TrueLandmarks(video.landmarks_px), source="smic, rendered")
                found = recognizer.predict(video)
                rows += [{"motion": motion, "seed": seed} | row for row in video_rows(video, found)]
                say(f"{motion}, seed {seed}: {rows[-len(SENSITIVITIES) - 1 :]}")
                pd.DataFrame(rows).to_csv(HERE / "videos.csv", index=False, lineterminator="\n")
    table = summary(pd.DataFrame(rows))
    table.to_csv(HERE / "results.csv", index=False, lineterminator="\n")
    print(table.to_string(index=False))


def trained_model(folder: Path) -> ReleasedModel:
    """Networks of six folds, trained on clips of six other subjects at 100 fps, magnified in a band told in Hz."""
    clips = {"subjects": 6, "clips_per_subject": 6, "duration_s": (0.12, 0.4), "motion_px": (0.4, 1.2), "seed": 0}
    write_smic(folder / "smic", **clips)
    words = ["train", "experiment=demo", "dataset=smic", "labels=smic", "magnify=evm_hz", "name=predict"]
    places = [f"dataset.root={folder / 'smic'}", f"store={folder / 'store'}", f"run_dir={folder / 'run'}"]
    if mer([*words, *places]) != 0:
        raise SystemExit(1)
    return ReleasedModel.from_run(load_run(folder / "run"))


def video_rows(video: SyntheticVideo, found: Prediction) -> Iterator[dict[str, Any]]:
    """Counts for each sensitivity, with blinks left out; and for the default one with blinks kept."""
    true = [(one.interval.onset, one.interval.offset) for one in video.planted]
    default = SpotSettings()
    labelled = [(one.onset_frame, one.offset_frame) for one in found.movements]
    right = sum(
        found.movements[row].label == video.planted[column].emotion
        for row, column in match_intervals(labelled, true, LEAST_IOU)
    )
    choices = [(value, "left out", replace(default, sensitivity=value)) for value in SENSITIVITIES]
    for value, blinks, settings in [*choices, (0.5, "kept", replace(default, blink_ratio=KEPT))]:
        spotting = found.spotting
        spotted = [
            (one.interval.onset, one.interval.offset)
            for one in chosen_movements(spotting.peaks, spotting.noise, settings, spotting.seconds)
        ]
        hits = len(match_intervals(spotted, true, LEAST_IOU))
        known = {"labelled_hits": hits, "right": right} if settings == default else {}
        yield {"sensitivity": value, "blinks": blinks, "hits": hits, "spotted": len(spotted), "true": len(true)} | known


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Counts of all videos of a size of movement, and the measures of these."""
    by = ["motion", "sensitivity", "blinks"]
    told = []
    for names, group in rows.groupby(by, sort=False):
        counts = SpottingCounts(*(int(group[name].sum()) for name in ("hits", "spotted", "true")))
        alarms = (counts.spotted - counts.hits) / (len(group) * SECONDS / 60)
        measures = {"recall": counts.recall, "precision": counts.precision, "f1": counts.f1}
        accuracy = group["right"].sum() / group["labelled_hits"].sum() if group["labelled_hits"].any() else float("nan")
        extra = {"false_alarms_a_minute": alarms, "accuracy_of_hits": accuracy}
        told.append(dict(zip(by, names, strict=True)) | counts._asdict() | measures | extra)
    return pd.DataFrame(told).round(3)


if __name__ == "__main__":
    main()
