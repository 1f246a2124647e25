"""A LOSO fold's data for Lightning: the prepared flow lives in memory, batches are slices of it."""

from collections.abc import Iterable
from typing import NamedTuple

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, Sampler, SequentialSampler

from mer.errors import require_integer
from mer.flow import FlowMaps
from mer.protocols.folds import Fold


class ClipBatch(NamedTuple):
    """A batch of clips: their maps and their class numbers ``(B,)``."""

    maps: FlowMaps
    target: Tensor


class ClipDataset(Dataset[ClipBatch]):
    """Prepared clips; indexed by a list of row numbers, a whole batch at once."""

    def __init__(self, maps: FlowMaps, targets: Tensor) -> None:
        self.maps = maps
        self.targets = targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, rows: list[int]) -> ClipBatch:
        return ClipBatch(self.maps.select(rows), self.targets[rows])

    def subset(self, rows: Iterable[int]) -> "ClipDataset":
        """The clips of ``rows`` alone."""
        return ClipDataset(*self[list(rows)])


class LOSODataModule(pl.LightningDataModule):
    """Trains on a fold's training subjects and predicts the clips of the subject left out.

    Args:
        clips: all prepared clips, in the index's order.
        fold: row numbers of training and test clips.
        batch_size: clips a batch.
        seed: of the order of the training clips.
    """

    def __init__(self, clips: ClipDataset, fold: Fold, batch_size: int = 16, seed: int = 0) -> None:
        super().__init__()
        self.batch_size = require_integer("batch_size", batch_size, 1, 1_000_000)
        self.seed = seed
        self.train_clips = clips.subset(fold.train)
        self.test_clips = clips.subset(fold.test)

    def train_dataloader(self) -> DataLoader[ClipBatch]:
        """Shuffled batches of the training subjects."""
        order = RandomSampler(self.train_clips, generator=torch.Generator().manual_seed(self.seed))
        # BatchNorm cannot train on one clip alone.
        lonely = len(self.train_clips) % self.batch_size == 1 and len(self.train_clips) > 1
        return self._loader(self.train_clips, order, drop_last=lonely)

    def predict_dataloader(self) -> DataLoader[ClipBatch]:
        """The left-out subject's clips, in the index's order."""
        return self._loader(self.test_clips, SequentialSampler(self.test_clips), drop_last=False)

    def _loader(self, clips: ClipDataset, order: Sampler[int], drop_last: bool) -> DataLoader[ClipBatch]:
        return DataLoader(clips, sampler=BatchSampler(order, self.batch_size, drop_last), batch_size=None)
