"""A network's inputs, made in batches or looked up in a table."""

import pytest
import torch
from torch import nn

from mer.features import BranchFeatures, FlipBlur, inputs
from mer.features.augment import flip_maps
from mer.features.inputs import FreshInputs, TabledInputs, clip_inputs, fill_up
from mer.flow import FlowMaps


def maps(n_clips: int = 9) -> FlowMaps:
    return FlowMaps(torch.randn(n_clips, 2, 8, 8, generator=torch.Generator().manual_seed(0)))


def generators() -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in (4, 5)]


@pytest.mark.parametrize("augment", [FlipBlur(), FlipBlur(blur=0), FlipBlur(flip=0), FlipBlur(0, 0)])
def test_table_holds_what_batches_would_make(augment: FlipBlur) -> None:
    features, rows = BranchFeatures(size=8), [torch.tensor([8, 3, 3, 0, 1]), torch.tensor([2, 7])]
    fresh, tabled = FreshInputs(maps(), features, augment), TabledInputs(maps(), features, augment)
    for ours, expected in zip(tabled.plain(rows[0]), fresh.plain(rows[0]), strict=True):
        torch.testing.assert_close(ours, expected)
    one, other = generators(), generators()
    for _ in range(6):
        for ours, expected in zip(tabled.augmented(rows, one), fresh.augmented(rows, other), strict=True):
            assert ours.shape == (5, 2, 3, 8, 8)
            torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("kind", [FreshInputs, TabledInputs])
def test_mirror_images_are_those_of_the_maps(kind: type[FreshInputs] | type[TabledInputs]) -> None:
    features, rows = BranchFeatures(size=8), torch.tensor([8, 3, 0])
    mirrored = kind(maps(), features, FlipBlur(0, 0)).mirrored(rows)
    for ours, expected in zip(mirrored, features(flip_maps(maps().select(rows))), strict=True):
        torch.testing.assert_close(ours, expected, rtol=0, atol=0)


def test_a_fold_draws_among_others_what_it_draws_alone() -> None:
    tabled = TabledInputs(maps(), BranchFeatures(size=8), FlipBlur())
    rows = [torch.arange(9), torch.tensor([2, 7, 1])]
    together = tabled.augmented(rows, generators())[0]
    for fold, (one, generator) in enumerate(zip(rows, generators(), strict=True)):
        alone = tabled.augmented([one], [generator])[0]
        torch.testing.assert_close(together[: len(one), fold], alone[:, 0], rtol=0, atol=0)
    assert not torch.equal(together, tabled.augmented(rows, generators()[::-1])[0])


def test_short_batches_are_filled_up_with_their_own_first_number() -> None:
    assert fill_up([torch.tensor([3, 4]), torch.tensor([5, 6, 7])]).tolist() == [[3, 5], [4, 6], [3, 7]]


class Noise(nn.Module):
    """An augmentation with no end of variants."""

    def forward(self, maps: FlowMaps, generator: torch.Generator) -> FlowMaps:
        return FlowMaps(maps.flow + torch.rand(maps.flow.shape, generator=generator))


def test_table_is_made_where_variants_are_few_and_small(monkeypatch: pytest.MonkeyPatch) -> None:
    features = BranchFeatures(size=8)
    assert isinstance(clip_inputs(maps(), features, FlipBlur()), TabledInputs)
    assert isinstance(clip_inputs(maps(), features, Noise()), FreshInputs)
    monkeypatch.setattr(inputs, "TABLE_BYTES", 9 * 4 * 6 * 64 * 4 - 1)
    assert isinstance(clip_inputs(maps(), features, FlipBlur()), FreshInputs)


def test_table_of_many_parts_is_that_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    features, rows = BranchFeatures(size=8), torch.arange(9)
    whole = TabledInputs(maps(), features, FlipBlur())
    monkeypatch.setattr(inputs, "_BATCH", 4)
    parts = TabledInputs(maps(), features, FlipBlur())
    one, other = generators(), generators()
    for ours, expected in zip(parts.augmented([rows], one[:1]), whole.augmented([rows], other[:1]), strict=True):
        torch.testing.assert_close(ours, expected)
    for ours, expected in zip(parts.plain(rows), whole.plain(rows), strict=True):
        torch.testing.assert_close(ours, expected)
