"""A fold's batches: what is in them, in which order, and what never is."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mer.datamodule import ClipDataset, EpochRows, InputBatch, LOSODataModule
from mer.errors import MerError
from mer.features.inputs import FreshInputs
from mer.flow import FlowMaps
from mer.protocols.folds import Fold


class Flow(nn.Module):
    """Features that are the flow itself."""

    def forward(self, maps: FlowMaps) -> tuple[Tensor, ...]:
        return (maps.flow,)


class Hundred(nn.Module):
    """An augmentation that nobody can overlook."""

    def forward(self, maps: FlowMaps, generator: torch.Generator) -> FlowMaps:
        return FlowMaps(maps.flow + 100)


def numbered_clips(n_clips: int) -> ClipDataset:
    """Clips whose every value is their row number."""
    numbers = torch.arange(n_clips)
    return ClipDataset(FlowMaps(numbers.float()[:, None, None, None].expand(n_clips, 2, 4, 4)), numbers)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def data(n_train: int, n_test: int = 3, batch_size: int = 4, seed: int = 0) -> LOSODataModule:
    """A fold whose test clips are the first rows."""
    rows = np.arange(n_train + n_test)
    fold = Fold(rows[n_test:], rows[:n_test], "smic-s1")
    clips = numbered_clips(len(rows))
    inputs = FreshInputs(clips.maps, Flow(), Hundred())
    return LOSODataModule(inputs, clips.targets, fold, batch_size, generator(seed), generator(0))


def row_numbers(batches: list[InputBatch]) -> list[int]:
    return torch.cat([batch.target for batch in batches]).tolist()


def epochs(module: LOSODataModule, n_epochs: int) -> list[list[int]]:
    loader = module.train_dataloader()
    return [row_numbers(list(loader)) for _ in range(n_epochs)]


def check_numbers(inputs: Tensor, expected: Tensor) -> None:
    assert inputs.shape == (len(expected), 2, 4, 4)
    torch.testing.assert_close(inputs, expected.float()[:, None, None, None].expand_as(inputs), rtol=0, atol=0)


def test_training_batch_pairs_each_augmented_clip_with_its_target() -> None:
    for batch in data(10).train_dataloader():
        check_numbers(batch.inputs[0], batch.target + 100)


def test_augmentation_serves_training_alone() -> None:
    for batch in data(6, n_test=9).predict_dataloader():
        check_numbers(batch.inputs[0], batch.target)


def test_an_iterator_that_is_never_run_through_draws_no_order() -> None:
    rows, same = (EpochRows(range(12), 4, generator(3)) for _ in range(2))
    iter(rows)
    assert torch.cat(list(rows)).tolist() == torch.cat(list(same)).tolist()


@pytest.mark.parametrize("batch_size", [1, 3, 4, 100])
def test_clip_of_the_left_out_subject_is_in_no_training_batch(batch_size: int) -> None:
    for rows in epochs(data(12, n_test=5, batch_size=batch_size), 3):
        assert sorted(rows) == list(range(5, 17))


def test_prediction_batches_hold_the_left_out_subject_in_order() -> None:
    batches = list(data(6, n_test=9).predict_dataloader())
    assert [len(batch.target) for batch in batches] == [4, 4, 1]
    assert row_numbers(batches) == list(range(9))


def test_training_order_changes_between_epochs() -> None:
    first, second, third = epochs(data(12), 3)
    assert first != second != third != first


def test_training_order_depends_on_the_seed_alone() -> None:
    orders = []
    for seed, noise in ((3, 1), (3, 2), (4, 1)):
        torch.manual_seed(noise)
        orders.append(epochs(data(12, seed=seed), 3))
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


@pytest.mark.parametrize(
    ("n_train", "batch_size", "sizes"),
    [(9, 4, [4, 4]), (17, 16, [16]), (10, 4, [4, 4, 2]), (8, 4, [4, 4]), (1, 4, [1]), (3, 1, [1, 1, 1]), (3, 4, [3])],
)
def test_only_a_lonely_last_clip_is_dropped(n_train: int, batch_size: int, sizes: list[int]) -> None:
    module = data(n_train, batch_size=batch_size)
    assert len(module.train_dataloader()) == len(sizes)
    assert [len(batch.target) for batch in module.train_dataloader()] == sizes


def test_dropped_clip_is_another_one_each_epoch() -> None:
    left_out = {(set(range(3, 12)) - set(rows)).pop() for rows in epochs(data(9), 8)}
    assert len(left_out) > 2


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "16"])
def test_batch_size_out_of_bounds_is_refused(batch_size: int) -> None:
    with pytest.raises(MerError, match="batch_size"):
        data(6, batch_size=batch_size)
