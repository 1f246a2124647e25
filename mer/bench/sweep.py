"""A sweep over alpha and lambda_c beside the first preparation, which it does not repeat."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import torch
from rich.table import Table

from mer.align import DlibLandmarks, EyeCrop, FanLandmarks, FoundLandmarks, GivenLandmarks, LandmarkSource
from mer.align.packages import import_face_alignment
from mer.apex import AnnotatedApex
from mer.bench.prepare import DURATION_S
from mer.bench.timing import seconds
from mer.clip import ClipIndex
from mer.dataset_flow import dataset_flow
from mer.datasets import Casme2
from mer.errors import MerError
from mer.flow import build_flow
from mer.frames import Image
from mer.magnify import IIR, EulerianMagnifier
from mer.preparation import Preparation
from mer.store import Store
from mer.synth import write_casme2

_MOST_SUBJECTS = 25  # a new face takes longer to make than a clip of it
_ALPHAS = (5.0, 10.0, 15.0, 20.0, 40.0)
_LAMBDAS_C = (8.0, 16.0, 24.0, 32.0)
_GIVEN = "given"

Row = dict[str, object]


@dataclass(frozen=True)
class AtTheCostOf:
    """Landmarks of a CSV that take the time of another source, so that all sources lead to the same crops.

    Attributes:
        source: is asked, and its answer put aside: random weights take a network's time and find nothing.
        given: the landmarks.
    """

    source: LandmarkSource
    given: GivenLandmarks

    def find(self, onsets: Sequence[Image], clips: Sequence[pd.Series]) -> list[FoundLandmarks | MerError]:
        self.source.find(onsets, clips)
        return self.given.find(onsets, clips)

    def state(self, clip: pd.Series) -> Any:
        return self.given.state(clip)


def landmark_sources(folder: Path, fan_weights: str | None, device: str) -> dict[str, LandmarkSource]:
    """What to prepare with beside given landmarks: dlib, and 2D-FAN in the boxes that dlib finds.

    Without ``fan_weights`` the network's are random, written to ``folder``: its time does not depend on them.
    """
    name, weights = "2D-FAN", fan_weights
    if weights is None:
        import_face_alignment()
        from face_alignment.models import FAN

        name, weights = "2D-FAN, random weights", str(folder / "fan.pth")
        torch.save(FAN(4).state_dict(), weights)
    return {"dlib": DlibLandmarks(), name: FanLandmarks(weights, "dlib", None, device)}


def bench_sweep(folder: Path, n_clips: int, device: str, sources: Mapping[str, LandmarkSource]) -> list[Row]:
    """Seconds of the first preparation, a row a source of landmarks, and of magnification and flow for 20 settings.

    The settings are 5 alphas x 4 lambdas_c. The first row has landmarks that are given, which cost nothing.

    Args:
        folder: empty, the clips are written to it.
        n_clips: clips, at least 2, of up to 25 subjects.
        device: where magnification runs.
        sources: name -> what finds landmarks.
    """
    subjects = min(n_clips, _MOST_SUBJECTS)
    write_casme2(folder, subjects=subjects, clips_per_subject=math.ceil(n_clips / subjects), duration_s=DURATION_S)
    index = Casme2(folder).load()
    index = replace(index, clips=index.clips[:n_clips])
    given = GivenLandmarks(folder / "landmarks.csv")
    first: dict[str, float] = {}
    for name, source in sources.items():
        with suppress(MerError):  # dlib, an extra, is absent
            first[name] = _preparation_seconds(index, AtTheCostOf(source, given))
    with TemporaryDirectory() as store:
        preparation = _preparation(store, given)
        paths: list[Path] = []
        first = {_GIVEN: seconds(lambda: paths.extend(preparation.run(index, _silent)[1]))} | first
        made = [path.stat().st_mtime_ns for path in paths]
        sweep = seconds(lambda: _sweep(index, paths, preparation, torch.device(device)))
        again = sum(path.stat().st_mtime_ns != time for path, time in zip(paths, made, strict=True))
    return [_row(len(index), name, prepare, sweep, again) for name, prepare in first.items()]


def sweep_table(rows: Sequence[Row]) -> Table:
    """The rows for a terminal."""
    titles = ("landmarks", "first prepare (s)", "whole sweep (s)", "sweep / prepare", "a setting (s)", "prepare / it")
    table = Table(*titles, title=str(rows[0]["what"]))
    for row in rows:
        seconds_and_ratio = (f"{row['prepare_s']:.2f}", f"{row['sweep_s']:.2f}", f"{row['sweep_over_prepare']:.2f}x")
        table.add_row(str(row["landmarks"]), *seconds_and_ratio, f"{row['per_setting_s']:.2f}", f"{row['ratio']:.1f}x")
    return table


def _preparation(store: str, landmarks: LandmarkSource) -> Preparation:
    return Preparation(Store(store), EyeCrop(landmarks), AnnotatedApex(), IIR())


def _preparation_seconds(index: ClipIndex, landmarks: LandmarkSource) -> float:
    with TemporaryDirectory() as store:
        preparation = _preparation(store, landmarks)
        return seconds(lambda: preparation.run(index, _silent))


def _row(n_clips: int, landmarks: str, prepare: float, sweep: float, again: int) -> Row:
    jobs = len(_ALPHAS) * len(_LAMBDAS_C)
    told = {"what": f"{n_clips} clips of 224 px, {jobs} settings", "landmarks": landmarks}
    times = {"prepare_s": prepare, "sweep_s": sweep, "per_setting_s": sweep / jobs}
    ratios = {"ratio": prepare / (sweep / jobs), "sweep_over_prepare": sweep / prepare}
    return {**told, **times, **ratios, "key_frames_made_again": again}


def _sweep(index: ClipIndex, paths: Sequence[Path], preparation: Preparation, device: torch.device) -> None:
    flow = build_flow("dis")
    for alpha in _ALPHAS:
        for lambda_c in _LAMBDAS_C:
            magnifier, settings = EulerianMagnifier(alpha, lambda_c), {"alpha": alpha, "lambda_c": lambda_c}
            dataset_flow(index.clips, paths, preparation, magnifier, flow, settings, device, _silent)


def _silent(done: int, total: int) -> None:
    return
