"""``mer bench [WHAT]``: mer beside what a user would use instead; error and speed of landmarks and flow."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from mer.align import DlibLandmarks, EyeCrop, FanLandmarks, LandmarkSource
from mer.bench.align import alignment_table, bench_alignment
from mer.bench.determinism import bench_determinism, determinism_table
from mer.bench.flow import bench_flow, flow_table
from mer.bench.lbp_top import bench_lbp_top, lbp_top_table
from mer.bench.loso import CASES, bench_loso, loso_table
from mer.bench.magnify import bench_magnification, magnification_table
from mer.bench.memory import bench_memory, memory_table
from mer.bench.paper import bench_paper, paper_table
from mer.bench.predict import bench_prediction, prediction_table
from mer.bench.prepare import bench_preparation, preparation_table
from mer.bench.sheet import write_video_sheet
from mer.bench.sweep import bench_sweep, landmark_sources, sweep_table
from mer.errors import MerError, require_integer
from mer.progress import output

Rows = list[dict[str, object]]
_WHAT = (
    *("all", "magnify", "prepare", "align", "sweep", "flow", "loso", "paper", "lbp_top", "predict"),
    *("memory", "determinism"),
)
_LOSO_REPEATS = 3


def main(arguments: Sequence[str]) -> None:
    """Parse ``arguments``, measure, print."""
    given = _parser().parse_args(arguments)
    rows: dict[str, Rows] = {}
    if given.what in ("all", "magnify"):
        rows["magnify"] = _magnify(given)
    if given.what in ("all", "prepare"):
        with TemporaryDirectory() as folder:
            rows["prepare"] = bench_preparation(Path(folder), given.clips, given.repeats)
    if given.what in ("all", "align"):
        rows["align"] = _align(given)
    if given.what == "sweep":
        with TemporaryDirectory() as folder:
            sources = landmark_sources(Path(folder), given.weights, given.device)
            rows["sweep"] = bench_sweep(Path(folder) / "data", given.clips, given.device, sources)
    if given.what == "flow":
        pairs = require_integer("--pairs", given.pairs, 2, 10_000)
        rows["flow"] = bench_flow(pairs, given.size, given.repeats, given.device)
    if given.what == "loso":
        repeats = min(given.repeats, _LOSO_REPEATS)
        rows["loso"] = bench_loso(
            given.roots, given.folds, given.epochs, repeats, given.device, given.precision, given.nets
        )
    if given.what == "paper":
        rows["paper"] = bench_paper(given.device, given.precision, given.peak_tflops)
    if given.what == "predict":
        frames = require_integer("--frames", given.frames, 64, 10_000)
        long_frames = require_integer("--video-frames", given.video_frames, 0, 1_000_000)
        rows["predict"] = bench_prediction(frames, long_frames, given.repeats)
    if given.what == "memory":
        n_clips = require_integer("--dataset-clips", given.dataset_clips, 26, 1_000_000)
        with TemporaryDirectory() as folder:
            rows["memory"] = bench_memory(Path(folder), n_clips)
    if given.what == "lbp_top":
        rows["lbp_top"] = bench_lbp_top(require_integer("--repeats", given.repeats, 1, 1000))
    if given.what == "determinism":
        folds, epochs = (require_integer(f"--{name}", getattr(given, name), 2, 1000) for name in ("folds", "epochs"))
        rows["determinism"] = bench_determinism(folds, epochs)
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    if "magnify" in rows:
        title = f"{given.frames} frames of {given.size} px, {given.device}"
        output().print(magnification_table(rows["magnify"], title))
    if "prepare" in rows:
        output().print(preparation_table(rows["prepare"]))
    if "sweep" in rows:
        output().print(sweep_table(rows["sweep"]))
    if "flow" in rows:
        output().print(flow_table(rows["flow"], f"{given.pairs} pairs of {given.size} px, {given.device}"))
    if "loso" in rows:
        output().print(loso_table(rows["loso"], f"{given.folds} folds of {given.epochs} epochs, {given.device}"))
    if "paper" in rows:
        output().print(paper_table(rows["paper"], f"the paper's training, {given.device}"))
    if "predict" in rows:
        output().print(prediction_table(rows["predict"]))
    if "memory" in rows:
        output().print(memory_table(rows["memory"]))
    if "lbp_top" in rows:
        output().print(lbp_top_table(rows["lbp_top"]))
    if "determinism" in rows:
        title = f"largest difference from the first try, one thread; {given.folds} folds of {given.epochs} epochs"
        output().print(determinism_table(rows["determinism"], title))
    if "align" in rows:
        output().print(alignment_table(rows["align"]))
    for row in (*rows.get("align", ()), *rows.get("flow", ())):
        if "absent" in row:
            name = row.get("backend") or row["method"]
            output().print(f"{name} is absent: {row['absent']}", soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("mer bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=_WHAT, default="all", help="(default: the first three)")
    parser.add_argument("--frames", type=int, default=64, help="magnify, predict: frames of the clip (default 64)")
    parser.add_argument(
        "--video-frames", type=int, default=10_000, help="predict: frames of the video whose memory is watched"
    )
    parser.add_argument("--size", type=int, default=224, help="magnify, flow: side of the crop in px (default 224)")
    parser.add_argument("--pairs", type=int, default=32, help="flow: pairs of the batch (default 32)")
    parser.add_argument(
        "--clips", type=int, default=8, help="align, prepare, sweep: synthetic faces, a clip each (default 8)"
    )
    parser.add_argument(
        "--dataset-clips", type=int, default=247, help="memory: clips; the larger dataset has ten times as many"
    )
    parser.add_argument("--weights", help="align, sweep: file of 2D-FAN's weights")
    parser.add_argument("--detector", default="sfd", help="align: 2D-FAN's face detector, sfd (default) or dlib")
    parser.add_argument("--detector-weights", help="align: file of the sfd detector's weights")
    parser.add_argument(
        "--sheet", help="align: write a contact sheet of --videos to this PNG, by the first source that is there"
    )
    parser.add_argument("--videos", nargs="+", default=(), help="align: videos for --sheet, onset at the first frame")
    parser.add_argument("--roots", nargs="+", default=(), help="loso: folders of flow images (default: random maps)")
    parser.add_argument("--nets", nargs="+", default=(), choices=CASES, help="loso: networks (default: all)")
    parser.add_argument("--folds", type=int, default=4, help="loso, determinism: folds that are trained (default 4)")
    parser.add_argument("--epochs", type=int, default=3, help="loso, determinism: epochs a fold (default 3)")
    parser.add_argument(
        "--precision", default="32-true", help="loso, paper: of mer's engines, bf16-mixed for one (default 32-true)"
    )
    parser.add_argument(
        "--repeats", type=int, default=5, help="repeats; the median counts (default 5; loso: 3 at most)"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="torch device")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _magnify(given: argparse.Namespace) -> Rows:
    clip = torch.rand(1, given.frames, 3, given.size, given.size, generator=torch.Generator().manual_seed(0))
    return bench_magnification(clip.to(given.device), given.repeats)


def _align(given: argparse.Namespace) -> Rows:
    fan = FanLandmarks(given.weights, given.detector, given.detector_weights, given.device)
    sources: dict[str, LandmarkSource] = {"fan": fan, "dlib": DlibLandmarks()}
    with TemporaryDirectory() as folder:
        rows = bench_alignment(Path(folder), sources, given.clips, given.repeats)
    if given.sheet:
        present = [name for name in sources if not any(row["backend"] == name and "absent" in row for row in rows)]
        if not present:
            raise MerError("landmarks for the contact sheet", "neither 2D-FAN nor dlib", str(rows[0]["absent"]))
        write_video_sheet(given.videos, EyeCrop(sources[present[0]]), given.sheet)
    return rows
