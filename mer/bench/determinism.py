"""How far the numbers of each step move with what should not matter: another try, threads, the batch, the device.

Each step is given the very same input, made once on the CPU by one thread, so that a difference is its own. The last
rows train: what steps leave of difference there has been through every step of the optimizer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import cv2
import numpy as np
import torch
from rich.table import Table
from torch import Tensor

from mer.align.crop import ClipTransform
from mer.bench.flow import make_pairs
from mer.bench.loso import CASES, clips_and_folds, train_all, training_of
from mer.engines import Engine, ParallelEngine, SequentialEngine, StackedEngine, Training
from mer.features import BranchFeatures
from mer.flow import FlowMaps, build_flow
from mer.magnify import IIR, EulerianMagnifier
from mer.models import DualBranchNet
from mer.protocols import Fold
from mer.quiet import quiet_lightning

WAYS = ("again", "threads", "alone", "cuda")
_SIZE_PX = 112
_CLIPS, _FRAMES = 2, 16
_TURN = np.array([[0.9, 0.1, 4.3], [-0.1, 0.9, 7.7]])
_TRAINER = {"deterministic": "warn"}  # as conf/trainer/paper.yaml has it
_NOT_MEASURED = "not measured"


def bench_determinism(n_folds: int, epochs: int, threads: int = 2) -> list[dict[str, object]]:
    """One row a step: the largest absolute difference from the first try, on the CPU by one thread.

    ``again`` is another try of the same; ``threads`` has more of them; ``alone`` takes a batch's items one by one, and
    for a training the other way of ``engine=`` beside ``sequential``; ``cuda`` runs on a GPU. None: there is none.

    Args:
        n_folds: that are trained.
        epochs: a fold.
        threads: of the second column.
    """
    quiet_lightning()
    return [*_path_rows(threads), *_training_rows(n_folds, epochs, threads)]


def determinism_table(rows: Sequence[Mapping[str, object]], title: str) -> Table:
    """The rows for a terminal."""
    table = Table("step", "largest value", "once more", "more threads", "alone, or other engine", "CUDA", title=title)
    for row in rows:
        table.add_row(str(row["step"]), f"{row['largest']:.3g}", *(_told(way, row[way]) for way in WAYS))
    return table


def _told(way: str, difference: object) -> str:
    if difference is None:
        return _NOT_MEASURED if way == "cuda" else "-"
    return f"{difference:.1e}" if difference else "0"


def _path_rows(n_threads: int) -> Iterator[dict[str, object]]:
    for step, (inputs, made_of) in _steps().items():
        call = partial(_on, made_of, inputs)
        with _threads(1):
            first = call(torch.device("cpu"))
            single = [
                _on(made_of, [one[row : row + 1] for one in inputs], torch.device("cpu")) for row in range(_CLIPS)
            ]
            found = {
                "again": _apart(first, call(torch.device("cpu"))),
                "alone": _apart(first, torch.cat(single)),
                "cuda": _apart(first, call(torch.device("cuda"))) if torch.cuda.is_available() else None,
            }
        with _threads(n_threads):
            found["threads"] = _apart(first, call(torch.device("cpu")))
        yield {"step": step, "largest": float(first.abs().max()), **found}


def _steps() -> dict[str, tuple[tuple[Tensor, ...], Callable[..., Tensor]]]:
    """Name -> input of two clips, and what makes the step's result of it; each begins where the one before ended."""
    with _threads(1), torch.no_grad():
        clips = _clips()
        magnifier = EulerianMagnifier(20, 16, IIR())
        magnified = magnifier.frame(clips, _FRAMES // 2)
        pair = clips[:, 0], magnified
        flow = build_flow("tvl1")(*pair)
        features = BranchFeatures(size=_SIZE_PX)
        maps = features(FlowMaps(flow))
        torch.manual_seed(0)
        net = DualBranchNet(3, depth=16).eval()
    return {
        "aligned crop, grey values": ((clips[:, 0],), _crop),
        "magnified frame, in [0, 1]": ((clips,), lambda clip: magnifier.frame(clip, _FRAMES // 2)),
        "flow, TV-L1, px": (pair, build_flow("tvl1")),
        "flow, DIS, px": (pair, build_flow("dis")),
        "features": ((flow,), lambda one: torch.cat(features(FlowMaps(one)), dim=1)),
        "logits, 16 blocks": (maps, lambda *inputs: net.to(inputs[0].device)(*inputs)),
    }


def _crop(frames: Tensor) -> Tensor:
    """Frames ``(B, 3, S, S)`` cropped by OpenCV, which has no part on a GPU."""
    transform = ClipTransform(_TURN, None, _SIZE_PX)
    images = (frames * 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    return torch.from_numpy(np.stack([transform.apply(image) for image in images])).float()


def _clips() -> Tensor:
    """Two clips ``(2, T, 3, S, S)`` of synthetic faces, from rest to the pair's motion."""
    pairs = make_pairs(_CLIPS, _SIZE_PX)
    shares = torch.linspace(0, 1, _FRAMES)[:, None, None, None]
    return pairs.first[:, None] * (1 - shares) + pairs.second[:, None] * shares


@torch.no_grad()
def _on(made_of: Callable[..., Tensor], inputs: Sequence[Tensor], device: torch.device) -> Tensor:
    return made_of(*(one.to(device) for one in inputs)).cpu()


def _training_rows(n_folds: int, epochs: int, n_threads: int) -> Iterator[dict[str, object]]:
    clips, folds = clips_and_folds(())
    folds = folds[:n_folds]
    for name, case in CASES.items():
        how = training_of(case, clips, {**_TRAINER, "max_epochs": epochs, "accelerator": "cpu"})
        engines: dict[str, Engine] = {
            "sequential": SequentialEngine(), "stacked": StackedEngine(folds=n_folds), "parallel": ParallelEngine(2)
        }  # fmt: skip
        tries = []
        for number in (1, 1, n_threads):
            with _threads(number):
                tries.append({way: _probabilities(engine, how, folds) for way, engine in engines.items()})
        first, again, more = tries
        cuda = _on_cuda(name, folds, epochs) if torch.cuda.is_available() else {}
        for way in engines:
            yield {
                "step": f"probabilities, {name}, {way}",
                "largest": float(first[way].abs().max()),
                "again": _apart(first[way], again[way]),
                "threads": _apart(first[way], more[way]),
                "alone": None if way == "sequential" else _apart(first["sequential"], first[way]),
                "cuda": _apart(first["sequential"], cuda[way]) if way in cuda else None,
            }


def _on_cuda(name: str, folds: Sequence[Fold], epochs: int) -> dict[str, Tensor]:
    clips, _ = clips_and_folds(())
    settings = {**_TRAINER, "max_epochs": epochs, "accelerator": "gpu", "devices": 1}
    how = training_of(CASES[name], clips.to("cuda"), settings)
    engines: dict[str, Engine] = {"sequential": SequentialEngine(), "stacked": StackedEngine()}
    return {way: _probabilities(engine, how, folds) for way, engine in engines.items()}


def _probabilities(engine: Engine, training: Training, folds: Sequence[Fold]) -> Tensor:
    found = {one.fold.subject: one.probabilities for one in train_all(engine, list(folds), training)}
    return torch.from_numpy(np.concatenate([found[fold.subject] for fold in folds]))


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).abs().max())


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(number)
    cv2.setNumThreads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
