"""A sweep over alpha and lambda_c beside the first preparation, which it does not repeat."""

from collections.abc import Sequence
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

_ALPHAS = (5.0, 10.0, 15.0, 20.0, 40.0)
_LAMBDAS_C = (8.0, 16.0, 24.0, 32.0)


def bench_sweep(folder: Path, n_clips: int, device: str) -> list[dict[str, object]]:
    """Seconds of the first preparation, landmarks given, and of magnification and flow for 5 alphas x 4 lambdas.

    Landmarks by a network would only make the preparation dearer.

    Args:
        folder: empty, the clips are written to it.
        n_clips: clips, each of another subject.
        device: where magnification runs.
    """
    write_casme2(folder, subjects=n_clips, clips_per_subject=1, duration_s=DURATION_S)
    index = Casme2(folder).load()
    with TemporaryDirectory() as store:
        aligner = EyeCrop(GivenLandmarks(folder / "landmarks.csv"))
        preparation = Preparation(Store(store), aligner, AnnotatedApex(), IIR())
        paths: list[Path] = []
        first = seconds(lambda: paths.extend(preparation.run(index, _silent)[1]))
        made = [path.stat().st_mtime_ns for path in paths]
        sweep = seconds(lambda: _sweep(index, paths, preparation, torch.device(device)))
        again = sum(path.stat().st_mtime_ns != time for path, time in zip(paths, made, strict=True))
    jobs = len(_ALPHAS) * len(_LAMBDAS_C)
    what = f"{n_clips} clips of 224 px, {jobs} settings"
    told = {"what": what, "prepare_s": first, "sweep_s": sweep, "per_setting_s": sweep / jobs}
    return [{**told, "ratio": first / (sweep / jobs), "key_frames_made_again": again}]


def sweep_table(rows: Sequence[dict[str, object]]) -> Table:
    """The rows for a terminal."""
    table = Table("what", "first prepare (s)", "whole sweep (s)", "a setting (s)", "prepare / setting", title="sweep")
    for row in rows:
        numbers = [f"{row[name]:.2f}" for name in ("prepare_s", "sweep_s", "per_setting_s")]
        table.add_row(str(row["what"]), *numbers, f"{row['ratio']:.1f}x")
    return table


def _sweep(index: ClipIndex, paths: Sequence[Path], preparation: Preparation, device: torch.device) -> None:
    flow = build_flow("dis")
    for alpha in _ALPHAS:
        for lambda_c in _LAMBDAS_C:
            magnifier, settings = EulerianMagnifier(alpha, lambda_c), {"alpha": alpha, "lambda_c": lambda_c}
            dataset_flow(index.clips, paths, preparation, magnifier, flow, settings, device, _silent)


def _silent(done: int, total: int) -> None:
    return
