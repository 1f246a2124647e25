"""Error of every apex spotter on synthetic clips: ``python experiments/apex/run.py [SET...]``, see README.md."""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer.align import ClipTransform, EyeCrop, GivenLandmarks
from mer.apex import ApexSpotter, DivideAndConquer, FlowPeak, MiddleApex, TrackedLandmarks, spot_interval
from mer.apex.peaks import divide_and_conquer, smooth_in_time
from mer.datasets import Casme2
from mer.frames import map_frames, read_frame
from mer.progress import say
from mer.synth import write_casme2

HERE = Path(__file__).parent
LONG = {"subjects": 12, "clips_per_subject": 4, "duration_s": (0.15, 0.4), "extra_frames": 20, "blinks": 0.2}
SETS: Mapping[str, Mapping[str, Any]] = {
    "long": LONG | {"seed": 0},
    "short": LONG | {"duration_s": (0.06, 0.15), "extra_frames": 0, "seed": 2},
    "no noise": LONG | {"subjects": 6, "noise_grey": 0.0, "jpeg_quality": 100, "seed": 3},
}
SPOTTERS: Mapping[tuple[str, str], ApexSpotter] = {
    ("dcrois", "lbp"): DivideAndConquer("lbp"),
    ("dcrois", "landmarks"): DivideAndConquer("landmarks", landmarks=TrackedLandmarks()),
    ("dcrois", "strain"): DivideAndConquer("strain"),
    ("flow_peak", "flow"): FlowPeak(),
    ("flow_peak", "flow, returns=false"): FlowPeak(returns=False),
}
SMOOTHING_FRAMES = 2  # DivideAndConquer's ``smoothing_frames``, on the same curve
ON_VIDEO: Mapping[tuple[str, str], ApexSpotter] = {
    ("dcrois", "strain"): DivideAndConquer("strain"),
    ("flow_peak", "flow"): FlowPeak(),
}
MOMENTS = ("onset", "apex", "offset")


def main() -> None:
    """Write clips, spot, write the tables beside this file; the rows of sets that are not asked for stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)} (default all)")
    for name in parser.parse_args().sets or SETS:
        with tempfile.TemporaryDirectory() as folder:
            write_casme2(folder, **SETS[name])
            say(f"synthetic clips written: {name}")
            errors = measure(Path(folder))
        apexes, intervals = errors[errors["frames"] == "annotated"], errors[errors["frames"] == "all"]
        write(name, table(apexes, ["spotter", "feature"]), HERE / "results.csv")
        if len(intervals):
            write(name, table(intervals, ["spotter", "feature", "moment"]), HERE / "intervals.csv")


def write(name: str, rows: pd.DataFrame, file: Path) -> None:
    """Put the rows of set ``name`` into the table ``file``, in the place of those it had."""
    rows.insert(0, "clips", name)
    known = pd.read_csv(file, keep_default_na=False) if file.is_file() else rows[:0]
    whole = pd.concat([known[known["clips"] != name], rows])
    order = whole["clips"].map([*SETS].index)
    whole.iloc[np.argsort(order, kind="stable")].to_csv(file, index=False, lineterminator="\n")


def measure(folder: Path) -> pd.DataFrame:
    """Errors of all clips in ``folder``: one row a clip, spotter, choice of frames and moment."""
    clips = Casme2(folder).load().clips
    aligner = EyeCrop(GivenLandmarks(folder / "landmarks.csv"))
    with ThreadPoolExecutor(2) as pool:
        rows = pool.map(partial(clip_errors, aligner=aligner), [clip for _, clip in clips.iterrows()])
        return pd.DataFrame([row for found in rows for row in found])


def clip_errors(clip: pd.Series, aligner: EyeCrop) -> list[dict[str, Any]]:
    """Spotted minus true frame, for any frame by chance, the middle one and every spotter."""
    transform = aligner.align(read_frame(clip["files"][0]), clip)
    around, first = all_files(clip)
    crops = crops_of(around, transform)
    annotated = crops[int(clip["onset"]) - first : int(clip["offset"]) - first + 1]
    chance = np.random.default_rng(int(clip["onset"])).integers(int(clip["onset"]) + 1, int(clip["offset"]) + 1)
    found: list[tuple[Any, ...]] = [("chance", "", "annotated", "apex", chance)]
    found.append(("middle", "", "annotated", "apex", MiddleApex().choose(clip)))
    for (spotter, feature), one in SPOTTERS.items():
        spotted = one.spot(annotated, transform.landmarks_px)
        found.append((spotter, feature, "annotated", "apex", in_clip(clip, spotted.frame)))
        if isinstance(one, DivideAndConquer):
            smooth = smooth_in_time(spotted.curve, SMOOTHING_FRAMES)
            found.append(
                (spotter, f"{feature}, smoothed", "annotated", "apex", in_clip(clip, divide_and_conquer(smooth)))
            )
            found.append(
                (
                    "largest value",
                    f"{feature}, smoothed",
                    "annotated",
                    "apex",
                    in_clip(clip, 1 + int(smooth[1:].argmax())),
                )
            )
    for (spotter, feature), one in ON_VIDEO.items() if len(around) > len(annotated) else ():
        interval = spot_interval(one.curve(crops, transform.landmarks_px), float(clip["fps"]))
        found += [(spotter, feature, "all", *pair) for pair in zip(MOMENTS, np.add(interval, first), strict=True)]
    names = ("spotter", "feature", "frames", "moment")
    return [dict(zip(names, row, strict=False)) | error(row[4], row[3], clip) for row in found]


def in_clip(clip: pd.Series, index: int) -> int:
    """Number of the frame ``index`` from onset."""
    return int(clip["onset"]) + index


def error(frame: int, moment: str, clip: pd.Series) -> dict[str, float]:
    """Spotted minus true, in frames, and what a frame lasts."""
    return {"error": int(frame) - int(clip[moment]), "ms": 1000 / float(clip["fps"])}


def all_files(clip: pd.Series) -> tuple[list[str], int]:
    """All frames on disk, those before onset and after offset too, and the first one's number."""
    numbered = {
        int(file.stem.removeprefix("img")): str(file) for file in Path(clip["files"][0]).parent.glob("img*.jpg")
    }
    return [numbered[number] for number in sorted(numbered)], min(numbered)


def crops_of(files: list[str], transform: ClipTransform) -> NDArray[np.uint8]:
    """``(T, S, S, 3)``."""
    frames: Iterator[NDArray[np.uint8]] = map_frames(lambda _, frame: transform.apply(frame), files, in_parallel=False)
    return np.stack(list(frames))


def table(errors: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Mean absolute error, and standard error ``sigma(e) / sqrt(N)`` of the error."""
    rows = []
    for names, group in errors.groupby(by, sort=False):
        size = group["error"].abs()
        measures = {"n": len(group), "mae_frames": size.mean(), "se_frames": group["error"].std() / len(group) ** 0.5}
        rows.append({**dict(zip(by, names, strict=True)), **measures, "mae_ms": (size * group["ms"]).mean()})
    return pd.DataFrame(rows).round(3)


if __name__ == "__main__":
    main()
