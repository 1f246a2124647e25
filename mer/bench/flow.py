"""Time and end-point error of every flow method, on synthetic faces moved by known fields, beside scikit-image's TV-L1.

The faces are mer's own (mer/synth), with camera noise; their motion is smooth, as skin's is, 0.2 to 8 px at its peak.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import cv2
import numpy as np
import torch
from rich.table import Table
from torch import Tensor

from mer.bench.timing import seconds
from mer.errors import MerError
from mer.flow import Flow, FlowNet2, build_flow
from mer.flow.flownet2 import FlowNet2Network, flow_at_any_size
from mer.flow.frames import to_grey
from mer.flow.opencv import to_grey_bytes
from mer.synth.action_units import ACTION_UNITS, expression_field
from mer.synth.identity import Subject, make_subject
from mer.synth.motion import head_fields
from mer.synth.portrait import FloatArray
from mer.synth.pose import Pose, transform
from mer.synth.render import camera, enlarge, warp_neutral

METHODS = ("tvl1", "dis", "farneback")
_UNTRAINED = "flownet2, random weights"
_INSTEAD = "scikit-image TV-L1"
_FLOWNET2_PAIRS = 4  # at once, as conf/flow/flownet2.yaml has it
_SUBJECTS = 4
_PEAK_PX = (0.2, 8.0)
_SMALL_PX = 1.0  # peaks up to it are told apart from larger ones
_NOISE_GREY = 2.5
_HEAD = Pose(size=1.15, roll=0, shift=(0, 0))


@dataclass(frozen=True)
class Pairs:
    """Frames, what moved between them, and its largest length.

    Attributes:
        first, second: RGB in [0, 1], ``(N, 3, S, S)``.
        truth: flow from first to second, px, ``(N, 2, S, S)``.
        peak_px: ``(N,)``, from the smallest to the largest.
    """

    first: Tensor
    second: Tensor
    truth: Tensor
    peak_px: Tensor


def bench_flow(n_pairs: int, size: int, repeats: int, device: str) -> list[dict[str, object]]:
    """One row a method: ms a pair, error in px for peaks up to 1 px and beyond, and how much faster than scikit-image.

    Args:
        n_pairs: of the batch, 2 or more.
        size: side of the frames, px.
        repeats: all methods are measured in turn, so often; medians of times and of ratios count.
        device: what the torch methods run on.
    """
    pairs = make_pairs(n_pairs, size)
    calls: dict[str, Callable[[], Tensor]] = {}
    absent: list[dict[str, object]] = []
    for name, build in _methods(device).items():
        try:
            flow = build()
            flow(pairs.first[:1].to(device), pairs.second[:1].to(device))  # warms up
        except (MerError, ImportError) as error:
            absent.append({"method": name, "absent": str(error)})
        else:
            calls[name] = _call(flow, pairs, torch.device(device))
    rows = [_errors(name, call(), pairs) for name, call in calls.items() if name != _UNTRAINED]
    rows += [{"method": name, "pairs": n_pairs} for name in calls if name == _UNTRAINED]
    times = [{name: seconds(call) / n_pairs for name, call in calls.items()} for _ in range(repeats)]
    for row in rows:
        name = str(row["method"])
        ratios = [once[_INSTEAD] / once[name] for once in times if _INSTEAD in once]
        row |= {"ms": 1000 * median(once[name] for once in times), "ratio": median(ratios) if ratios else None}
    return [*rows, *absent]


def flow_table(rows: Sequence[Mapping[str, object]], title: str) -> Table:
    """The rows for a terminal."""
    small, large = f"error, peak {_PEAK_PX[0]:g} to {_SMALL_PX:g} px", f"to {_PEAK_PX[1]:g} px"
    table = Table("flow", "ms a pair", small, large, f"{_INSTEAD} / it", title=title)
    for row in rows:
        if "absent" in row:
            table.add_row(str(row["method"]), "absent")
        else:
            ratio = "-" if row["ratio"] is None else f"{row['ratio']:.1f}x"
            errors = [f"{row[name]:.3f}" if name in row else "-" for name in ("error_small_px", "error_large_px")]
            table.add_row(str(row["method"]), f"{row['ms']:.1f}", *errors, ratio)
    return table


def make_pairs(n_pairs: int, size: int, seed: int = 0) -> Pairs:
    """Pairs of frames of synthetic faces; action units and the head move, peaks evenly spaced on a log scale."""
    rng = np.random.default_rng(seed)
    subjects = [make_subject(np.random.SeedSequence(seed, spawn_key=(number,))) for number in range(_SUBJECTS)]
    canvases = [enlarge(subject.neutral) for subject in subjects]
    peaks_px = np.geomspace(*_PEAK_PX, n_pairs)
    rows = []
    for number, peak_px in enumerate(peaks_px):
        who = number % _SUBJECTS
        field = _field(subjects[who], float(peak_px), size, rng)
        rows.append((_frame(canvases[who], np.zeros_like(field), rng), _frame(canvases[who], field, rng), field))
    first, second, truth = (torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))
    return Pairs(first, second, truth, torch.from_numpy(peaks_px))


def _field(subject: Subject, peak_px: float, size: int, rng: np.random.Generator) -> FloatArray:
    shape = (size, size)
    landmarks = transform(subject.landmarks, _HEAD.affine(shape))
    units = rng.choice(sorted(ACTION_UNITS), 3, replace=False)
    gains = {int(unit): (float(rng.uniform(0.3, 1)), float(rng.uniform(0.3, 1))) for unit in units}
    head = np.tensordot(rng.uniform(-0.25, 0.25, 5).astype(np.float32), head_fields(landmarks, shape), 1)
    field = expression_field(gains, landmarks, 1.0, shape) + head
    return np.asarray(field * (peak_px / np.hypot(*field).max()), np.float32)


def _frame(canvas: FloatArray, field: FloatArray, rng: np.random.Generator) -> FloatArray:
    image = camera(warp_neutral(canvas, field, _HEAD.affine(field.shape[1:])), _NOISE_GREY, rng)
    return np.asarray(image[..., ::-1].transpose(2, 0, 1), np.float32) / np.float32(255)


def _methods(device: str) -> dict[str, Callable[[], Flow]]:
    ours: dict[str, Callable[[], Flow]] = {name: lambda name=name: build_flow(name) for name in METHODS}  # type: ignore[misc]
    trained, network = _flownet2()
    ours |= {trained: network}
    if device != "cpu":
        ours[f"tvl1, float16, {device}"] = lambda: build_flow("tvl1", precision="float16")
    return {_INSTEAD: _skimage, "OpenCV DIS, in turn": _opencv_dis, **ours, "no motion at all": lambda: _nothing}


def _flownet2() -> tuple[str, Callable[[], Flow]]:
    """FlowNet 2.0 with its weights, or, where there are none, the networks alone: what they cost is the same."""
    method = FlowNet2()
    try:
        method.state()
    except MerError:
        return _UNTRAINED, lambda: partial(_untrained, FlowNet2Network().eval())
    return "flownet2", lambda: method


@torch.no_grad()
def _untrained(network: torch.nn.Module, first: Tensor, second: Tensor) -> Tensor:
    network.to(first.device)
    batches = zip(*(torch.split(frames, _FLOWNET2_PAIRS) for frames in (first, second)), strict=True)
    return torch.cat([flow_at_any_size(network, one, two) for one, two in batches])


def _skimage() -> Flow:
    tvl1 = importlib.import_module("skimage.registration").optical_flow_tvl1

    def flow(first: Tensor, second: Tensor) -> Tensor:
        pairs = zip(to_grey(first)[:, 0].cpu().numpy(), to_grey(second)[:, 0].cpu().numpy(), strict=True)
        return torch.from_numpy(np.stack([tvl1(one, two)[::-1] for one, two in pairs]))  # rows, columns -> u, v

    return flow


def _opencv_dis() -> Flow:
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def flow(first: Tensor, second: Tensor) -> Tensor:
        pairs = zip(to_grey_bytes(first), to_grey_bytes(second), strict=True)
        return torch.from_numpy(np.stack([dis.calc(one, two, None) for one, two in pairs])).permute(0, 3, 1, 2)  # type: ignore[call-overload]

    return flow


def _nothing(first: Tensor, second: Tensor) -> Tensor:
    return torch.zeros_like(first[:, :2])


def _call(flow: Flow, pairs: Pairs, device: torch.device) -> Callable[[], Tensor]:
    first, second = pairs.first.to(device), pairs.second.to(device)
    return lambda: flow(first, second)


def _errors(name: str, flow: Tensor, pairs: Pairs) -> dict[str, object]:
    error_px = (flow.cpu() - pairs.truth).norm(dim=1).mean(dim=(1, 2))
    is_small = pairs.peak_px <= _SMALL_PX
    found = {"error_small_px": error_px[is_small].mean().item(), "error_large_px": error_px[~is_small].mean().item()}
    return {"method": name, "pairs": len(flow)} | found
