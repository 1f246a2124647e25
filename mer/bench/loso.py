"""LOSO trainings by each engine beside a plain loop over folds, as papers' published code has it.

The plain loop is PyTorch alone: a DataLoader a fold, eager layers, the test clips evaluated after each epoch. mer's
engines train the same folds on the same maps with the same batch size, optimizer and number of epochs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from rich.table import Table
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from mer.bench.timing import seconds
from mer.datamodule import ClipDataset
from mer.datasets import FlowImages
from mer.engines import Engine, ParallelEngine, SequentialEngine, StackedEngine, TrainedFold, Training
from mer.features import BranchFeatures, FlipBlur
from mer.features.inputs import ClipInputs, clip_inputs
from mer.flow import FlowMaps
from mer.models import DualBranchNet, STSTNet
from mer.models.ststnet.net import PAPER_WIDTHS
from mer.protocols import Fold, loso
from mer.quiet import quiet_lightning
from mer.recognition import MicroExpressionModule

_SIZE_PX = 28
_CLASSES = 3
_CLIPS, _SUBJECTS = 309, 40  # of SMIC and CASME II in three classes, where no images are given


class ThreeStreams(nn.Module):
    """STSTNet as its paper draws it, a convolution a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.streams = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(3, width, 3, padding=2), nn.ReLU(), nn.BatchNorm2d(width), nn.MaxPool2d(3, 3, 1), nn.Dropout()
            )
            for width in PAPER_WIDTHS
        )
        self.head = nn.Linear(sum(PAPER_WIDTHS) * 25, _CLASSES)

    def forward(self, maps: Tensor) -> Tensor:
        together = torch.cat([stream(maps) for stream in self.streams], dim=1)
        logits: Tensor = self.head(F.avg_pool2d(together, 2).flatten(1))
        return logits


@dataclass(frozen=True)
class Case:
    """A network and how it is trained: by mer, and in the plain loop where that writes it another way."""

    net: Callable[[], nn.Module]
    plain_net: Callable[[], nn.Module]
    features: Callable[[], BranchFeatures]
    augment: Callable[[], FlipBlur]
    batch_size: int
    lr: float
    channels_last: bool = False

    def optimizer(self, parameters: Any) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, lr=self.lr)


_small_dual = partial(DualBranchNet, _CLASSES, 2, (8, 16), input_size=_SIZE_PX, head_size=3, dropout=0.5)
_uveps = partial(BranchFeatures, ("u", "v", "eps"), (), _SIZE_PX)
CASES = {
    "dual-branch, 2 blocks": Case(_small_dual, _small_dual, partial(BranchFeatures, size=_SIZE_PX), FlipBlur, 16, 1e-3),
    "STSTNet": Case(partial(STSTNet, _CLASSES), ThreeStreams, _uveps, partial(FlipBlur, 0.0, 0.0), 256, 5e-5, True),
}


def bench_loso(
    roots: Sequence[str],
    n_folds: int,
    epochs: int,
    repeats: int,
    device: str,
    precision: str = "32-true",
    nets: Sequence[str] = (),
) -> list[dict[str, object]]:
    """Clip-epochs a second of the plain loop and of each engine, medians of runs in turn.

    Args:
        roots: folders of flow images; without any, random maps of the same number and size.
        n_folds: that are trained, of all.
        epochs: a fold.
        repeats: of everything.
        device: ``cpu`` or ``cuda``; there are no parallel processes on the latter.
        precision: of mer's engines, as a Trainer names it.
        nets: keys of :data:`CASES`; without any, all.
    """
    quiet_lightning()
    clips, folds = clips_and_folds(roots)
    clips, folds = clips.to(device), folds[:n_folds]
    work = epochs * sum(len(fold.train) for fold in folds)
    rows: list[dict[str, object]] = []
    for name in nets or CASES:
        case = CASES[name]
        trainer = {"max_epochs": epochs, "accelerator": "gpu" if device == "cuda" else "cpu", "precision": precision}
        training = training_of(case, clips, trainer)
        one = SequentialEngine(case.channels_last)
        engines: dict[str, Engine] = {"sequential": one, "stacked": StackedEngine(channels_last=case.channels_last)}
        ways: dict[str, Callable[[], float]] = {"plain loop": partial(_time_plain, case, clips, folds, epochs)}
        ways |= {engine: partial(_time_engine, made, folds, training) for engine, made in engines.items()}
        if device == "cpu":
            ways["parallel"] = partial(_time_parallel, one, folds, training)
        times = [{way: run() for way, run in ways.items()} for _ in range(repeats)]
        for way in ways:
            ratio = median(taken["plain loop"] / taken[way] for taken in times)
            rate = work / median(taken[way] for taken in times)
            rows.append({"what": name, "way": way, "clip_epochs_per_s": rate, "times_plain": ratio})
    return rows


def loso_table(rows: Sequence[Mapping[str, object]], title: str) -> Table:
    """The rows for a terminal."""
    table = Table("network", "trained by", "clip-epochs/s", "times the plain loop", title=title)
    for row in rows:
        table.add_row(
            str(row["what"]), str(row["way"]), f"{row['clip_epochs_per_s']:.0f}", f"{row['times_plain']:.2f}x"
        )
    return table


def clips_and_folds(roots: Sequence[str]) -> tuple[ClipDataset, list[Fold]]:
    """The flow images in ``roots``, or random maps of as many clips and subjects as SMIC and CASME II have."""
    if roots:
        dataset = FlowImages(roots)
        index = dataset.load().clips
        labels = sorted(index["label"].unique())
        targets = torch.tensor([labels.index(label) for label in index["label"]])
        return ClipDataset(dataset.flow_maps(index), targets), loso(index)
    generator = torch.Generator().manual_seed(0)
    flow = torch.randn(_CLIPS, 2, _SIZE_PX, _SIZE_PX, generator=generator)
    subjects = pd.DataFrame({"dataset": "random", "subject": [f"s{clip % _SUBJECTS:02d}" for clip in range(_CLIPS)]})
    return ClipDataset(FlowMaps(flow), torch.arange(_CLIPS) % _CLASSES), loso(subjects)


def training_of(case: Case, clips: ClipDataset, trainer: Mapping[str, Any]) -> Training:
    """How mer trains ``case`` on ``clips`` under the Trainer settings given, the inputs made already."""
    make = partial(_build_trainer, dict(trainer))
    training = Training(clips, partial(_module, case), partial(_inputs, case), make, trainer, case.batch_size, seed=0)
    _ = training.inputs
    return training


def _module(case: Case, training: ClipDataset) -> MicroExpressionModule:
    return MicroExpressionModule(case.net(), case.features(), case.optimizer, _CLASSES)


def _inputs(case: Case, clips: ClipDataset) -> ClipInputs:
    return clip_inputs(clips.maps, case.features(), case.augment())


def _build_trainer(settings: dict[str, Any], **more: Any) -> pl.Trainer:
    quiet = dict.fromkeys(("enable_checkpointing", "enable_progress_bar", "enable_model_summary", "logger"), False)
    return pl.Trainer(**(quiet | settings | more))


def _time_engine(engine: Engine, folds: Sequence[Fold], training: Training) -> float:
    return seconds(lambda: train_all(engine, list(folds), training))


def train_all(engine: Engine, missing: list[Fold], training: Training) -> list[TrainedFold]:
    """Train ``missing``, as many at once as the engine takes."""
    done: list[TrainedFold] = []
    while missing:
        chunk = engine.next_folds(missing, training)
        done += engine.train(chunk, training, _silent)
        missing = [fold for fold in missing if all(fold is not one for one in chunk)]
    return done


def _time_parallel(each: Engine, folds: Sequence[Fold], training: Training) -> float:
    """Without the workers' start, which a whole run pays once."""
    workers = min(torch.get_num_threads(), len(folds))
    engine = ParallelEngine(workers, each)
    return sum(trained.seconds for trained in engine.train(list(folds), training, _silent)) / workers


def _silent(done: int, total: int) -> None:
    return


def _time_plain(case: Case, clips: ClipDataset, folds: Sequence[Fold], epochs: int) -> float:
    return seconds(lambda: _plain_loop(case, clips, folds, epochs))


def _plain_loop(case: Case, clips: ClipDataset, folds: Sequence[Fold], epochs: int) -> None:
    for fold in folds:
        _plain_fold(case, clips, fold, epochs)


def _plain_fold(case: Case, clips: ClipDataset, fold: Fold, epochs: int) -> None:
    net, features, augment = case.plain_net().to(clips.targets.device), case.features(), case.augment()
    optimizer = case.optimizer(net.parameters())
    changes = augment.variants > 1
    kept = (
        [maps for maps in (clips.maps.flow, clips.maps.strain) if maps is not None] if changes else features(clips.maps)
    )
    loader, test = (
        DataLoader(TensorDataset(*(one[rows] for one in (*kept, clips.targets))), case.batch_size, shuffle=is_training)
        for rows, is_training in ((torch.as_tensor(fold.train), True), (torch.as_tensor(fold.test), False))
    )
    for _ in range(epochs):
        net.train()
        for *maps, target in loader:
            inputs = features(augment(FlowMaps(*maps))) if changes else maps
            loss = F.cross_entropy(net(*inputs), target)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        net.eval()
        with torch.no_grad():
            for *maps, target in test:
                inputs = features(FlowMaps(*maps)) if changes else maps
                (net(*inputs).argmax(1) == target).sum().item()
