"""Whole clips come out of the store as they were made, and are made once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import mer.whole_clips
from mer.align import NoCrop
from mer.clip import ClipIndex
from mer.errors import MerError
from mer.flow import FlowMaps, resize_flow, resize_map
from mer.needs import NEEDS, Needs
from mer.preparation import Preparation
from mer.tim import temporal_interpolation
from mer.whole_clips import (
    NeededMaps,
    clip_frames,
    consecutive,
    dataset_clip_flow,
    dataset_frames,
    dataset_landmarks,
    from_first,
)  # fmt: skip
from tests.conftest import MakeClip
from tests.fakes.path import AddBand, Calls, CountingFlow, with_landmarks

CPU = torch.device("cpu")


@pytest.fixture
def never_read(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, reading a clip's frames fails the test."""

    def fail(*arguments: object) -> None:
        raise AssertionError("frames were read again")

    return lambda: monkeypatch.setattr(mer.whole_clips, "interpolated_frames", fail)


def crops_of(preparation: Preparation, clip: object) -> np.ndarray:
    return np.stack(list(preparation.crops(clip)))  # type: ignore[arg-type]


def test_frames_are_the_clips_crops_by_temporal_interpolation(index: ClipIndex, preparation: Preparation) -> None:
    clip = index.clips.iloc[0]
    crops = crops_of(preparation, clip)
    assert len(crops) == len(clip["files"])
    frames = clip_frames(clip, preparation, 6)
    assert (frames.shape, frames.dtype) == ((6, 3, 16, 16), torch.uint8)
    for channel in range(3):
        expected = temporal_interpolation(crops[..., channel], 6).clip(0, 255)
        np.testing.assert_allclose(frames[:, channel], expected, atol=0.5 + 1e-6)


def test_as_many_frames_as_there_are_stay_as_they_are(index: ClipIndex, preparation: Preparation) -> None:
    clip = index.clips.iloc[1]
    crops = crops_of(preparation, clip)
    frames = clip_frames(clip, preparation, len(crops))
    assert np.array_equal(frames.permute(0, 2, 3, 1), crops)


def test_frames_are_made_once_for_each_number_whatever_the_size(
    index: ClipIndex, preparation: Preparation, never_read: Callable[[], None]
) -> None:
    whole = dataset_frames(index.clips, preparation, 4, 16, Calls())
    dataset_frames(index.clips, preparation, 5, 16, Calls())
    assert len(list(preparation.store.root.rglob("clip_frames-*"))) == 8
    never_read()
    calls = Calls()
    assert torch.equal(dataset_frames(index.clips, preparation, 4, 16, calls), whole)
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    small = dataset_frames(index.clips, preparation, 4, 8, Calls())
    expected = resize_map(whole.flatten(0, 1).float(), 8).view(4, 4, 3, 8, 8)
    assert (small - expected).abs().max() <= 0.5 + 1e-4
    with pytest.raises(AssertionError, match="read again"):
        dataset_frames(index.clips, preparation, 3, 16, Calls())


def test_frames_that_are_missing_are_made_alone(
    index: ClipIndex, preparation: Preparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_frames(index.clips.iloc[[0, 2]], preparation, 4, 16, Calls())
    made = []
    original = mer.whole_clips.interpolated_frames
    monkeypatch.setattr(
        mer.whole_clips, "interpolated_frames", lambda *given: made.append(given[1:]) or original(*given)
    )
    dataset_frames(index.clips, preparation, 4, 16, Calls())
    assert len(made) == 2


def test_another_crop_makes_other_frames(index: ClipIndex, preparation: Preparation) -> None:
    clip = index.clips.iloc[0]
    first = clip_frames(clip, preparation, 3)
    other = clip_frames(clip, replace(preparation, aligner=NoCrop(20)), 3)
    assert (first.shape[-1], other.shape[-1]) == (16, 20)


def test_frames_of_landmarks_are_cropped_by_them(index: ClipIndex, preparation: Preparation, tmp_path: Path) -> None:
    aligned = with_landmarks(preparation, tmp_path / "landmarks.csv", index.clips)
    _, paths = aligned.run(index, Calls())
    first = clip_frames(index.clips.iloc[0], aligned, 4)[0]
    assert torch.equal(first, aligned.key_frames(index.clips.iloc[0], paths[0]).onset)
    assert not torch.equal(first, clip_frames(index.clips.iloc[0], preparation, 4)[0])


def test_clip_without_landmarks_is_refused(index: ClipIndex, preparation: Preparation, tmp_path: Path) -> None:
    aligned = with_landmarks(preparation, tmp_path / "landmarks.csv", index.clips.iloc[1:])
    with pytest.raises(MerError, match="landmarks of casme2"):
        clip_frames(index.clips.iloc[0], aligned, 4)


def test_clip_of_one_frame_is_refused_by_name(make_clip: MakeClip, preparation: Preparation) -> None:
    clip = make_clip([np.zeros((20, 20, 3), np.uint8)])
    with pytest.raises(MerError, match="two frames or more of casme2/sub01"):
        clip_frames(clip, preparation, 4)


def flows_of(
    index: ClipIndex, preparation: Preparation, flow: CountingFlow, size_px: int = 16, calls: Calls | None = None
) -> Tensor:
    given = (
        4,
        size_px,
        "frame_flow",
        consecutive,
        flow,
        {"name": "counting"},
        CPU,
        Calls() if calls is None else calls,
    )
    return dataset_clip_flow(index.clips, preparation, *given)


def test_flows_lead_from_each_frame_to_the_next_or_from_the_first(index: ClipIndex, preparation: Preparation) -> None:
    frames = dataset_frames(index.clips, preparation, 4, 16, Calls()).float()[:, :, :2] / 255
    torch.testing.assert_close(flows_of(index, preparation, CountingFlow()), frames[:, 1:] - frames[:, :-1])
    given = (4, 16, "onset_flow", from_first, CountingFlow(), {}, CPU, Calls())
    from_onset = dataset_clip_flow(index.clips, preparation, *given)
    torch.testing.assert_close(from_onset, frames[:, 1:] - frames[:, :1])


def test_flows_shrink_with_their_grid(index: ClipIndex, preparation: Preparation) -> None:
    whole, small = (flows_of(index, preparation, CountingFlow(), size_px) for size_px in (16, 8))
    torch.testing.assert_close(small, resize_flow(whole.flatten(0, 1), 8).view_as(small))


def test_flows_are_kept_clip_by_clip(
    index: ClipIndex, preparation: Preparation, monkeypatch: pytest.MonkeyPatch, never_read: Callable[[], None]
) -> None:
    monkeypatch.setattr(mer.whole_clips, "clips_at_once", lambda device: 2)
    flow = CountingFlow()

    class Stops(CountingFlow):
        def __call__(self, first: Tensor, second: Tensor) -> Tensor:
            if len(self.batches) == 4:  # two clips of a batch of two pairs and one of one
                raise KeyboardInterrupt
            return super().__call__(first, second)

    with pytest.raises(KeyboardInterrupt):
        flows_of(index, preparation, Stops())
    assert len(list(preparation.store.root.rglob("frame_flow-*"))) == 2
    calls = Calls()
    made = flows_of(index, preparation, flow, calls=calls)
    assert (flow.batches, calls) == ([2, 1, 2, 1], [(3, 4), (4, 4)])
    never_read()
    assert torch.equal(flows_of(index, preparation, CountingFlow()), made)


def test_landmarks_are_in_px_of_the_features_grid(index: ClipIndex, preparation: Preparation, tmp_path: Path) -> None:
    aligned = with_landmarks(preparation, tmp_path / "landmarks.csv", index.clips)
    _, paths = aligned.run(index, Calls())
    same, half = (dataset_landmarks(index.clips, paths, aligned, size_px) for size_px in (16, 8))
    assert torch.equal(same[2], aligned.key_frames(index.clips.iloc[2], paths[2]).landmarks_px)
    torch.testing.assert_close((half + 0.5) * 2, same + 0.5)


def test_landmarks_that_are_not_there_are_refused(index: ClipIndex, preparation: Preparation) -> None:
    _, paths = preparation.run(index, Calls())
    with pytest.raises(MerError, match="landmarks of casme2"):
        dataset_landmarks(index.clips, paths, preparation, 16)


def test_all_that_is_needed_is_added_and_nothing_else(
    index: ClipIndex, preparation: Preparation, tmp_path: Path
) -> None:
    aligned = with_landmarks(preparation, tmp_path / "landmarks.csv", index.clips)
    _, paths = aligned.run(index, Calls())
    named: list[str] = []

    def progress(name: str) -> Calls:
        named.append(name)
        return Calls()

    settings = {"magnify": {}, "flow": {}}
    needed = NeededMaps(
        index.clips, paths, aligned, AddBand(), CountingFlow(), settings, CPU, 16, 4, progress
    )  # fmt: skip
    flow = FlowMaps(torch.zeros(4, 2, 16, 16))
    assert list(needed.add(flow, Needs()).tensors()) == ["flow"]
    assert named == []
    whole = needed.add(flow, Needs(frozenset(NEEDS), 4))
    shapes = {name: tuple(tensor.shape[1:]) for name, tensor in whole.tensors().items()}
    assert shapes == {
        "flow": (2, 16, 16),
        "apex": (3, 16, 16),
        "frames": (4, 3, 16, 16),
        "landmarks": (68, 2),
        "frame_flow": (3, 2, 16, 16),
        "onset_flow": (3, 2, 16, 16),
        "unmagnified_flow": (2, 16, 16),
    }
    key = [aligned.key_frames(clip, path) for (_, clip), path in zip(index.clips.iterrows(), paths, strict=True)]
    as_filmed = torch.stack([(one.apex.float() - one.onset.float())[:2] / 255 for one in key])
    torch.testing.assert_close(whole.need("unmagnified_flow"), as_filmed)
    frames = whole.need("frames")[:, :, :2] / 255
    torch.testing.assert_close(whole.need("frame_flow"), frames[:, 1:] - frames[:, :-1])
    torch.testing.assert_close(whole.need("onset_flow"), frames[:, 1:] - frames[:, :1])
    assert len(named) == 5
