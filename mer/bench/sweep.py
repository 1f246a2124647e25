"""A sweep over alpha and lambda_c beside the first preparation, which it does not repeat."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from rich.table import Table

from mer.align import EyeCrop, GivenLandmarks
from mer.apex import AnnotatedApex
from mer.bench.prepare import DURATION_S
from mer.bench.timing import seconds
from mer.clip import ClipIndex
from mer.datasets import Casme2
from mer.flow import build_flow
from mer.magnify import IIR, EulerianMagnifier
from mer.preparation import Preparation, dataset_flow
from mer.store import Store
from mer.synth import write_casme2

_MOST_SUBJECTS = 25  # a new face takes longer to make than a clip of it
_ALPHAS = (5.0, 10.0, 15.0, 20.0, 40.0)
_LAMBDAS_C = (8.0, 16.0, 24.0, 32.0)


def bench_sweep(folder: Path, n_clips: int, device: str) -> list[dict[str, object]]:
    """Seconds of the first preparation, landmarks given, and of magnification and flow for 5 alphas x 4 lambdas.

    Landmarks by a network would only make the preparation dearer.

    Args:
        folder: empty, the clips are written to it.
        n_clips: clips, at least 2, of up to 25 subjects.
        device: where magnification runs.
    """
    subjects = min(n_clips, _MOST_SUBJECTS)
    write_casme2(folder, subjects=subjects, clips_per_subject=math.ceil(n_clips / subjects), duration_s=DURATION_S)
    index = Casme2(folder).load()
    return [sweep_seconds(replace(index, clips=index.clips[:n_clips]), folder / "landmarks.csv", device)]


def sweep_seconds(index: ClipIndex, landmarks: Path, device: str) -> dict[str, object]:
    """The row of the bench for the clips of ``index``, whose landmarks are in a CSV."""
    with TemporaryDirectory() as store:
        aligner = EyeCrop(GivenLandmarks(landmarks))
        preparation = Preparation(Store(store), aligner, AnnotatedApex(), IIR())
        paths: list[Path] = []
        first = seconds(lambda: paths.extend(preparation.run(index, _silent)[1]))
        made = [path.stat().st_mtime_ns for path in paths]
        sweep = seconds(lambda: _sweep(index, paths, preparation, torch.device(device)))
        again = sum(path.stat().st_mtime_ns != time for path, time in zip(paths, made, strict=True))
    jobs = len(_ALPHAS) * len(_LAMBDAS_C)
    what = f"{len(index)} clips of 224 px, {jobs} settings"
    told = {"what": what, "prepare_s": first, "sweep_s": sweep, "per_setting_s": sweep / jobs}
    ratios = {"ratio": first / (sweep / jobs), "sweep_over_prepare": sweep / first}
    return {**told, **ratios, "key_frames_made_again": again}


def sweep_table(rows: Sequence[dict[str, object]]) -> Table:
    """The rows for a terminal."""
    titles = ("what", "first prepare (s)", "whole sweep (s)", "sweep / prepare", "a setting (s)", "prepare / setting")
    table = Table(*titles, title="sweep")
    for row in rows:
        seconds_and_ratio = (f"{row['prepare_s']:.2f}", f"{row['sweep_s']:.2f}", f"{row['sweep_over_prepare']:.2f}x")
        table.add_row(str(row["what"]), *seconds_and_ratio, f"{row['per_setting_s']:.2f}", f"{row['ratio']:.1f}x")
    return table


def _sweep(index: ClipIndex, paths: Sequence[Path], preparation: Preparation, device: torch.device) -> None:
    flow = build_flow("dis")
    for alpha in _ALPHAS:
        for lambda_c in _LAMBDAS_C:
            magnifier, settings = EulerianMagnifier(alpha, lambda_c), {"alpha": alpha, "lambda_c": lambda_c}
            dataset_flow(index.clips, paths, preparation, magnifier, flow, settings, device, _silent)


def _silent(done: int, total: int) -> None:
    return
