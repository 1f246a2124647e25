"""The flow and the apex frames of a dataset are computed once, from its key frames, in batches."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

import mer.dataset_flow
from mer.clip import ClipIndex
from mer.dataset_flow import beyond_bound, dataset_apex, dataset_flow
from mer.datasets import Casme2
from mer.flow import FlowMaps, resize_flow
from mer.preparation import Preparation
from tests.fakes import casme2_rows, write_casme2
from tests.fakes.path import AddBand, Calls, CountingFlow

CPU = torch.device("cpu")


def compute(clips: pd.DataFrame, preparation: Preparation, flow: CountingFlow, **settings: Any) -> FlowMaps:
    _, paths = preparation.run(ClipIndex(clips), Calls())
    return dataset_flow(clips, paths, preparation, AddBand(), flow, settings, CPU, Calls())


def test_flow_is_from_onset_to_magnified_apex_in_the_order_of_the_clips(
    index: ClipIndex, preparation: Preparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mer.dataset_flow, "_BATCH", 3)
    flow = CountingFlow()
    maps = compute(index.clips, preparation, flow)
    assert flow.batches == [3, 1]
    assert maps.strain is None
    for one, (_, clip) in zip(maps.flow, index.clips.iterrows(), strict=True):
        key = preparation.key_frames(clip)
        expected = key.apex.double() / 255 + key.band.double() - key.onset.double() / 255
        np.testing.assert_allclose(one, expected[:2], atol=1e-6)


def test_flow_is_computed_once(index: ClipIndex, preparation: Preparation, never_extract: Callable[[], None]) -> None:
    flow = CountingFlow()
    first = compute(index.clips, preparation, flow, alpha=20)
    never_extract()
    second = compute(index.clips, preparation, flow, alpha=20)
    assert flow.batches == [4]
    assert torch.equal(first.flow, second.flow)


def test_other_settings_or_clips_are_another_flow_from_the_same_key_frames(
    index: ClipIndex, preparation: Preparation, never_extract: Callable[[], None]
) -> None:
    flow = CountingFlow()
    compute(index.clips, preparation, flow, alpha=20)
    never_extract()
    compute(index.clips, preparation, flow, alpha=10)
    compute(index.clips.iloc[1:], preparation, flow, alpha=20)
    assert flow.batches == [4, 4]


def test_clips_whose_flow_is_kept_are_not_computed_again(index: ClipIndex, preparation: Preparation) -> None:
    flow = CountingFlow()
    some = compute(index.clips.iloc[1:3], preparation, flow)
    backward = compute(index.clips.iloc[::-1], preparation, flow)
    assert flow.batches == [2, 2]
    assert torch.equal(backward.flow.flip(0)[1:3], some.flow)
    assert torch.equal(backward.flow.flip(0), compute(index.clips, preparation, flow).flow)


def test_flow_that_is_made_later_gets_its_clip_s_place(index: ClipIndex, preparation: Preparation) -> None:
    class Numbering(CountingFlow):
        """The flow of the n-th pair it is asked for is n."""

        def __call__(self, first: Tensor, second: Tensor) -> Tensor:
            numbers = sum(self.batches) + torch.arange(len(first))
            return super().__call__(first, second) * 0 + numbers[:, None, None, None]

    flow = Numbering()
    compute(index.clips.iloc[[1]], preparation, flow)
    assert compute(index.clips, preparation, flow).flow[:, 0, 0, 0].tolist() == [1, 0, 2, 3]


def test_killed_flow_goes_on_after_the_last_whole_batch(
    index: ClipIndex, preparation: Preparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mer.dataset_flow, "_BATCH", 2)

    class Killed(CountingFlow):
        def __call__(self, first: Tensor, second: Tensor) -> Tensor:
            if self.batches:
                raise KeyboardInterrupt
            return super().__call__(first, second)

    with pytest.raises(KeyboardInterrupt):
        compute(index.clips, preparation, Killed())
    flow, calls = CountingFlow(), Calls()
    _, paths = preparation.run(index, Calls())
    maps = dataset_flow(index.clips, paths, preparation, AddBand(), flow, {}, CPU, calls)
    assert flow.batches == [2]
    assert calls == [(4, 4)]
    whole = compute(index.clips, preparation, CountingFlow(), alpha=1)
    assert torch.equal(maps.flow, whole.flow)


def test_flow_is_the_same_resized_while_it_is_made_while_it_is_read_or_after(
    index: ClipIndex, preparation: Preparation
) -> None:
    _, paths = preparation.run(index, Calls())
    made, read = (
        dataset_flow(index.clips, paths, preparation, AddBand(), CountingFlow(), {}, CPU, Calls(), size=8).flow
        for _ in range(2)
    )
    assert torch.equal(made, read)
    torch.testing.assert_close(made, resize_flow(compute(index.clips, preparation, CountingFlow()).flow, 8))


def test_damaged_flow_is_computed_again(index: ClipIndex, preparation: Preparation) -> None:
    flow = CountingFlow()
    first = compute(index.clips, preparation, flow)
    kept = next(preparation.store.root.glob("casme2/sub02/*/flow-*"))
    kept.write_bytes(kept.read_bytes()[:100])
    assert torch.equal(compute(index.clips, preparation, flow).flow, first.flow)
    assert flow.batches == [4, 1]


def test_progress_of_the_flow_counts_clips(tmp_path: Path, preparation: Preparation) -> None:
    index = Casme2(write_casme2(tmp_path / "large", casme2_rows(subjects=6, clips_per_subject=6))).load()
    _, paths = preparation.run(index, Calls())
    calls = Calls()
    dataset_flow(index.clips, paths, preparation, AddBand(), CountingFlow(), {}, CPU, calls)
    assert calls == [(32, 36), (36, 36)]


def test_damaged_key_frames_are_made_again(index: ClipIndex, preparation: Preparation) -> None:
    first = compute(index.clips, preparation, CountingFlow())
    for kept in preparation.store.root.glob("casme2/*/*/key_frames-*"):
        kept.write_bytes(kept.read_bytes()[:100])
    assert torch.equal(compute(index.clips, preparation, CountingFlow(), alpha=10).flow, first.flow)


class HalfBeyond(AddBand):
    """A stand-in for a magnifier that knows its bound."""

    def beyond_bound(self, frames: Tensor, bands: Tensor) -> Tensor:
        return torch.full((len(frames),), 0.5)


def test_share_beyond_the_bound_is_told_for_each_clip(index: ClipIndex, preparation: Preparation) -> None:
    _, paths = preparation.run(index, Calls())
    shares = beyond_bound(index.clips, paths, preparation, HalfBeyond(), CPU)
    assert shares.tolist() == [0.5] * 4


def apex_of(clips: pd.DataFrame, preparation: Preparation, calls: Calls, size_px: int = 16, alpha: int = 20) -> Tensor:
    _, paths = preparation.run(ClipIndex(clips), Calls())
    return dataset_apex(clips, paths, preparation, AddBand(), size_px, {"alpha": alpha}, CPU, calls)


def test_apex_frames_are_the_magnified_ones_in_the_order_of_the_clips(
    index: ClipIndex, preparation: Preparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mer.dataset_flow, "_BATCH", 3)
    calls = Calls()
    apex = apex_of(index.clips, preparation, calls)
    assert calls == [(3, 4), (4, 4)]
    for one, (_, clip) in zip(apex, index.clips.iterrows(), strict=True):
        key = preparation.key_frames(clip)
        expected = (key.apex.double() / 255 + key.band.double()).clamp(0, 1)
        np.testing.assert_allclose(one, expected, atol=0.5 / 255 + 1e-6)


def test_apex_frames_shrink_to_the_features_size(index: ClipIndex, preparation: Preparation) -> None:
    whole, shrunk = (apex_of(index.clips, preparation, Calls(), size_px) for size_px in (16, 8))
    assert shrunk.shape == (4, 3, 8, 8)
    torch.testing.assert_close(shrunk.mean(dim=(2, 3)), whole.mean(dim=(2, 3)), rtol=0, atol=0.02)


def test_apex_frames_are_made_once_for_each_setting_and_size(index: ClipIndex, preparation: Preparation) -> None:
    made = [Calls() for _ in range(4)]
    first = apex_of(index.clips, preparation, made[0])
    assert torch.equal(apex_of(index.clips, preparation, made[1]), first)
    apex_of(index.clips, preparation, made[2], size_px=8)
    apex_of(index.clips, preparation, made[3], alpha=10)
    assert [len(calls) for calls in made] == [1, 0, 1, 1]


def test_apex_frames_that_are_missing_are_made_alone(index: ClipIndex, preparation: Preparation) -> None:
    first = apex_of(index.clips.iloc[1:3], preparation, Calls())
    calls = Calls()
    assert torch.equal(apex_of(index.clips, preparation, calls)[1:3], first)
    assert calls == [(4, 4)]
    assert len(list(preparation.store.root.rglob("apex_frame-*"))) == 4
