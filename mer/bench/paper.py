"""The paper's whole LOSO training, folds stacked: seconds, and the share of the device's peak that it reaches."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import torch
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from mer.bench.loso import Case, train_all, training_of
from mer.bench.timing import seconds
from mer.datamodule import ClipDataset
from mer.engines import StackedEngine, Training
from mer.features import BranchFeatures, FlipBlur
from mer.flow import FlowMaps
from mer.models import DualBranchNet
from mer.protocols import loso
from mer.quiet import quiet_lightning

_CLIPS, _SUBJECTS, _CLASSES = 247, 26, 5  # CASME II's
_EPOCHS, _BATCH, _SIZE_PX = 30, 16, 112
_net = partial(DualBranchNet, _CLASSES, input_size=_SIZE_PX)
PAPER = Case(_net, _net, partial(BranchFeatures, size=_SIZE_PX), FlipBlur, _BATCH, 1e-4)


def bench_paper(
    device: str,
    precision: str,
    peak_tflops: float | None = None,
    case: Case = PAPER,
    n_clips: int = _CLIPS,
    epochs: int = _EPOCHS,
) -> list[dict[str, object]]:
    """Seconds of all folds on random maps of the paper's size, and the rate of operations.

    Args:
        device: ``cuda`` or ``cpu``.
        precision: as a Trainer names it.
        peak_tflops: of the device in that precision, from its maker.
        case: network and how it is trained.
        n_clips: dealt out to 26 subjects.
        epochs: a fold.
    """
    quiet_lightning()
    size = case.features().size
    flow = torch.randn(n_clips, 2, size, size, generator=torch.Generator().manual_seed(0))
    clips = ClipDataset(FlowMaps(flow), torch.arange(n_clips) % _CLASSES).to(device)
    subjects = pd.DataFrame({"dataset": "random", "subject": [f"s{clip % _SUBJECTS:02d}" for clip in range(n_clips)]})
    folds = loso(subjects)
    trainer = {"max_epochs": epochs, "accelerator": "gpu" if device == "cuda" else "cpu", "precision": precision}
    training = training_of(case, clips, trainer)
    took = seconds(lambda: train_all(StackedEngine(), folds, training))
    tflop = epochs * sum(len(fold.train) for fold in folds) * clip_flop(case, training) / 1e12
    row: dict[str, object] = {"what": f"{len(folds)} folds, {epochs} epochs, {precision}", "seconds": took}
    row["tflop_per_s"] = tflop / took
    return [row if peak_tflops is None else row | {"share_of_peak": tflop / took / peak_tflops}]


def clip_flop(case: Case, training: Training) -> int:
    """Operations of one clip's forward and backward, a multiplication and its addition counted as two.

    Of the layers, on torch's device without data: torch does not see into loops that it did not compile.
    """
    net = case.net().to("meta")
    inputs = [one.to("meta") for one in training.inputs.plain(torch.arange(2))]
    counter: Any = FlopCounterMode(display=False)
    with counter:
        torch.autograd.backward(net(*inputs).sum())
    return int(counter.get_total_flops()) // 2


def paper_table(rows: Sequence[Mapping[str, object]], title: str) -> Table:
    """The rows for a terminal."""
    table = Table("what", "seconds", "TFLOP/s", "share of peak", title=title)
    for row in rows:
        share = f"{row['share_of_peak']:.1%}" if "share_of_peak" in row else "-"
        table.add_row(str(row["what"]), f"{row['seconds']:.1f}", f"{row['tflop_per_s']:.3g}", share)
    return table
