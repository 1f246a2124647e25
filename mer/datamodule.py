"""A fold's data for Lightning: the clips lie in memory, where the network runs; batches are rows of them."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pytorch_lightning as pl
import torch
from torch import Tensor

from mer.errors import require_integer
from mer.features.inputs import ClipInputs
from mer.flow import FlowMaps
from mer.protocols.folds import Fold


class InputBatch(NamedTuple):
    """A batch of clips: the network's inputs, each ``(B, ...)``, and the class numbers ``(B,)``."""

    inputs: tuple[Tensor, ...]
    target: Tensor


@dataclass(frozen=True)
class ClipDataset:
    """Prepared clips: their maps and their class numbers ``(N,)``."""

    maps: FlowMaps
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def subset(self, rows: Iterable[int]) -> "ClipDataset":
        """The clips of ``rows`` alone."""
        kept = list(rows)
        return ClipDataset(self.maps.select(kept), self.targets[kept])

    def to(self, device: torch.device | str) -> "ClipDataset":
        """The same on ``device``."""
        return ClipDataset(self.maps.to(device), self.targets.to(device))


class EpochRows:
    """Row numbers of an epoch's batches, in an order that is drawn anew each time it is run through.

    Args:
        rows: row numbers of the training clips.
        batch_size: clips a batch; a last clip that would stay alone is left out, BatchNorm cannot train on it.
        generator: of the order.
    """

    def __init__(self, rows: Sequence[int], batch_size: int, generator: torch.Generator) -> None:
        self._rows = torch.tensor(rows)
        self._batch_size = batch_size
        self._generator = generator

    def __len__(self) -> int:
        return batches_per_epoch(len(self._rows), self._batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        # Drawn at the first batch: a Trainer makes iterators that it never runs through.
        shuffled = self._rows[torch.randperm(len(self._rows), generator=self._generator)]
        yield from torch.split(shuffled, self._batch_size)[: len(self)]


def batches_per_epoch(n_clips: int, batch_size: int) -> int:
    """Steps of an epoch over ``n_clips`` clips."""
    lonely = n_clips % batch_size == 1 and n_clips > 1 and batch_size > 1
    return math.ceil(n_clips / batch_size) - lonely


class Batches:
    """A sequence of row numbers as the batches that ``make`` makes of them; what a Trainer takes for a DataLoader."""

    def __init__(self, rows: EpochRows | Sequence[Tensor], make: Callable[[Tensor], InputBatch]) -> None:
        self._rows = rows
        self._make = make

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[InputBatch]:
        return map(self._make, self._rows)


class LOSODataModule(pl.LightningDataModule):
    """Trains on a fold's training subjects and predicts the clips of the subject left out.

    Args:
        inputs: makes the network's inputs of all clips.
        targets: ``(N,)`` class numbers of all clips.
        fold: row numbers of training and test clips.
        batch_size: clips a batch.
        order: generator of the order of the training clips.
        augment: generator of the augmentation's draws.
    """

    def __init__(
        self,
        inputs: ClipInputs,
        targets: Tensor,
        fold: Fold,
        batch_size: int,
        order: torch.Generator,
        augment: torch.Generator,
    ) -> None:
        super().__init__()
        self.batch_size = require_integer("batch_size", batch_size, 1, 1_000_000)
        self._inputs, self._targets, self._augment = inputs, targets, augment
        self._train = EpochRows(fold.train.tolist(), self.batch_size, order)
        self._test = torch.split(torch.as_tensor(fold.test), self.batch_size)

    def train_dataloader(self) -> "Batches":
        """Shuffled, augmented batches of the training subjects; other ones each time it is run through."""
        return Batches(self._train, self._train_batch)

    def predict_dataloader(self) -> "Batches":
        """The left-out subject's clips, in the index's order, as they are."""
        return Batches(self._test, self._test_batch)

    def _train_batch(self, rows: Tensor) -> InputBatch:
        inputs = self._inputs.augmented([rows], [self._augment])
        return InputBatch(tuple(one.squeeze(1) for one in inputs), self._targets[rows.to(self._targets.device)])

    def _test_batch(self, rows: Tensor) -> InputBatch:
        return InputBatch(self._inputs.plain(rows), self._targets[rows.to(self._targets.device)])
