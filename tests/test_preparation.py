"""Preparation makes key frames once, refuses clips one by one, and the dataset's flow is computed once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from torch import Tensor

import mer.preparation
from mer.align import EyeCrop, FoundLandmarks, GivenLandmarks, NoCrop
from mer.align.landmarks import Points
from mer.apex import AnnotatedApex, ApexChooser, ApexSpotter, SpottedApex
from mer.clip import ClipIndex, Note, clip_index
from mer.datasets import Casme2
from mer.errors import MerError
from mer.flow import FlowMaps, resize_flow
from mer.frames import Image
from mer.keyframes import extract_key_frames, key_frames_of
from mer.magnify import IIR, NoMagnification
from mer.preparation import SPOTTED, Preparation, beyond_bound, dataset_apex, dataset_flow
from mer.store import Store
from tests.conftest import MakeClip
from tests.fakes import casme2_rows, face_points, write_casme2, write_landmarks

CPU = torch.device("cpu")


class Calls(list[tuple[int, int]]):
    """Keeps what a progress bar is told."""

    def __call__(self, done: int, total: int) -> None:
        self.append((done, total))


class CountingFlow:
    """A stand-in for optical flow: the red and green difference of the two frames, and how many frames it was asked."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        self.batches.append(len(first))
        return (second - first)[:, :2]


class AddBand(NoMagnification):
    """A stand-in for magnification: frame plus band."""

    def magnify(self, frames: Tensor, bands: Tensor, onsets: Tensor | None = None) -> Tensor:
        return frames + bands


@pytest.fixture
def index(casme2_root: Path) -> ClipIndex:
    return Casme2(casme2_root).load()


@pytest.fixture
def preparation(tmp_path: Path) -> Preparation:
    return Preparation(Store(tmp_path / "store"), NoCrop(16), AnnotatedApex(), IIR())


@pytest.fixture
def never_extract(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, making key frames fails the test."""

    def fail(*arguments: object) -> None:
        raise AssertionError("key frames were made again")

    return lambda: monkeypatch.setattr(mer.preparation, "key_frames_of", fail)


def with_landmarks(preparation: Preparation, csv: Path, clips: pd.DataFrame) -> Preparation:
    """Preparation by landmarks that ``csv`` holds of these clips alone."""
    names = clips[["subject", "clip", "onset"]].itertuples(index=False, name=None)
    write_landmarks(csv, [(*name, face_points()) for name in names])
    return replace(preparation, aligner=EyeCrop(GivenLandmarks(csv), size_px=16))


def compute(clips: pd.DataFrame, preparation: Preparation, flow: CountingFlow, **settings: Any) -> FlowMaps:
    _, paths = preparation.run(ClipIndex(clips), Calls())
    return dataset_flow(clips, paths, preparation, AddBand(), flow, settings, CPU, Calls())


def test_every_clip_gets_its_file(index: ClipIndex, preparation: Preparation) -> None:
    calls = Calls()
    kept, paths = preparation.run(index, calls)
    pd.testing.assert_frame_equal(kept.clips, index.clips)
    assert paths == [preparation.path(clip) for _, clip in index.clips.iterrows()]
    assert len(set(paths)) == 4
    assert all(path.is_file() for path in paths)
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_kept_key_frames_are_those_that_were_made(index: ClipIndex, preparation: Preparation) -> None:
    clip = index.clips.iloc[1]
    made = extract_key_frames(clip, preparation.aligner, preparation.apex, preparation.temporal)
    for _ in ("made", "read"):
        for one, other in zip(vars(preparation.key_frames(clip)).values(), vars(made).values(), strict=True):
            assert torch.equal(one, other)


def test_second_run_makes_nothing(
    index: ClipIndex, preparation: Preparation, never_extract: Callable[[], None]
) -> None:
    _, first = preparation.run(index, Calls())
    times = [path.stat().st_mtime_ns for path in first]
    never_extract()
    _, second = preparation.run(index, Calls())
    assert second == first
    assert [path.stat().st_mtime_ns for path in second] == times


def test_cut_off_run_goes_on_with_what_is_missing(
    index: ClipIndex, preparation: Preparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, paths = preparation.run(index, Calls())
    paths[2].unlink()
    made = []

    def extract(files: Sequence[str], *settings: Any) -> Any:
        made.append("/".join(Path(files[0]).parts[-3:-1]))
        return key_frames_of(files, *settings)

    monkeypatch.setattr(mer.preparation, "key_frames_of", extract)
    preparation.run(index, Calls())
    assert made == ["sub02/EP01_01f"]
    assert paths[2].is_file()


def test_clip_without_landmarks_is_refused_and_the_others_go_on(
    index: ClipIndex, preparation: Preparation, tmp_path: Path
) -> None:
    earlier = Note("casme2/sub09/EP01_01f", "refused", "no frames on disk")
    preparation = with_landmarks(preparation, tmp_path / "landmarks.csv", index.clips.drop(index=1))
    calls = Calls()
    kept, paths = preparation.run(replace(index, notes=(earlier,)), calls)
    assert (kept.clips["subject"] + "/" + kept.clips["clip"]).tolist() == [
        "sub01/EP01_01f",
        "sub02/EP01_01f",
        "sub02/EP02_01f",
    ]
    assert kept.clips.index.tolist() == [0, 1, 2]
    assert len(paths) == 3
    assert [(note.kind, note.clip) for note in kept.notes] == [
        ("refused", "casme2/sub09/EP01_01f"),
        ("refused", "casme2/sub01/EP02_01f"),
    ]
    assert "landmarks of casme2/sub01/EP02_01f frame 9" in kept.notes[1].reason
    assert calls[-1] == (4, 4)


def test_landmarks_are_kept_in_crop_px(index: ClipIndex, preparation: Preparation, tmp_path: Path) -> None:
    preparation = with_landmarks(preparation, tmp_path / "landmarks.csv", index.clips)
    points = preparation.key_frames(index.clips.iloc[0]).landmarks_px
    assert points.shape == (68, 2)
    np.testing.assert_allclose(points[36:48].mean(dim=0), (7.5, 0.35 * 15), atol=1e-3)


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"cut off")], ids=["gone", "cut off"])
@pytest.mark.parametrize("frame", [0, 2])
def test_clip_whose_frame_cannot_be_read_is_refused(
    index: ClipIndex, preparation: Preparation, frame: int, damage: Callable[[Path], object]
) -> None:
    damage(Path(index.clips["files"][3][frame]))
    kept, _ = preparation.run(index, Calls())
    assert len(kept) == 3
    assert [note.clip for note in kept.notes] == ["casme2/sub02/EP02_01f"]
    assert "a readable frame" in kept.notes[0].reason


def test_all_refused_is_an_error_that_says_why_of_the_first(
    index: ClipIndex, preparation: Preparation, tmp_path: Path
) -> None:
    preparation = with_landmarks(preparation, tmp_path / "landmarks.csv", index.clips.iloc[:0])
    earlier = Note("casme2/sub09/EP01_01f", "refused", "no frames on disk")
    with pytest.raises(MerError, match="4 refused; the first: expected landmarks of casme2/sub01/EP01_01f frame 8"):
        preparation.run(replace(index, notes=(earlier,)), Calls())


def test_flow_is_from_onset_to_magnified_apex_in_the_order_of_the_clips(
    index: ClipIndex, preparation: Preparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mer.preparation, "_BATCH", 3)
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
    monkeypatch.setattr(mer.preparation, "_BATCH", 2)

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


def test_damaged_key_frames_are_made_again(index: ClipIndex, preparation: Preparation) -> None:
    first = compute(index.clips, preparation, CountingFlow())
    for kept in preparation.store.root.glob("casme2/*/*/key_frames-*"):
        kept.write_bytes(kept.read_bytes()[:100])
    assert torch.equal(compute(index.clips, preparation, CountingFlow(), alpha=10).flow, first.flow)


def test_progress_of_the_flow_counts_clips(tmp_path: Path, preparation: Preparation) -> None:
    index = Casme2(write_casme2(tmp_path / "large", casme2_rows(subjects=6, clips_per_subject=6))).load()
    _, paths = preparation.run(index, Calls())
    calls = Calls()
    dataset_flow(index.clips, paths, preparation, AddBand(), CountingFlow(), {}, CPU, calls)
    assert calls == [(32, 36), (36, 36)]


class CountingLandmarks:
    """The same made-up landmarks for every clip, with a remark; counts how many clips it was asked for at once."""

    def __init__(self, remark: str = "") -> None:
        self.batches: list[int] = []
        self.remark = remark

    def find(self, onsets: Sequence[Image], clips: Sequence[pd.Series]) -> list[FoundLandmarks | MerError]:
        self.batches.append(len(onsets))
        return [FoundLandmarks(face_points(), self.remark) for _ in onsets]

    def state(self, clip: pd.Series) -> str:
        return "counting"


def test_landmarks_of_many_clips_are_found_together(index: ClipIndex, preparation: Preparation) -> None:
    landmarks = CountingLandmarks()
    replace(preparation, aligner=EyeCrop(landmarks, size_px=16)).run(index, Calls())
    assert landmarks.batches == [4]


def test_other_crop_or_filter_takes_the_landmarks_that_were_found(index: ClipIndex, preparation: Preparation) -> None:
    landmarks = CountingLandmarks()
    for size_px, temporal in ((16, IIR()), (32, IIR()), (32, IIR(0.5, 0.1))):
        other = replace(preparation, aligner=EyeCrop(landmarks, size_px=size_px), temporal=temporal)
        other.run(index, Calls())
    assert landmarks.batches == [4]


def test_remark_on_landmarks_is_noted(index: ClipIndex, preparation: Preparation) -> None:
    aligner = EyeCrop(CountingLandmarks("3 faces, the largest taken"), size_px=16)
    kept, _ = replace(preparation, aligner=aligner).run(index, Calls())
    assert str(kept.notes[0]) == "repaired casme2/sub01/EP01_01f: 3 faces, the largest taken"
    assert len(kept.notes) == len(kept) == 4
    other = replace(preparation, aligner=EyeCrop(CountingLandmarks(), size_px=32)).run(index, Calls())[0]
    assert len(other.notes) == 4  # from the store, as the landmarks


def test_clips_without_landmarks_keep_none(index: ClipIndex, preparation: Preparation) -> None:
    preparation.run(index, Calls())
    assert list(preparation.store.root.rglob("landmarks-*")) == []


def test_index_keeps_its_classes(index: ClipIndex, preparation: Preparation) -> None:
    assert preparation.run(replace(index, classes=("a", "b")), Calls())[0].classes == ("a", "b")


class BrightestApex(ApexSpotter):
    """Spots the brightest crop; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def spot(self, crops: npt.NDArray[np.uint8], landmarks_px: Points | None) -> SpottedApex:
        self.asked += 1
        curve = self.curve(crops, landmarks_px)
        return SpottedApex(1 + int(curve[1:].argmax()), curve)

    def curve(self, crops: npt.NDArray[np.uint8], landmarks_px: Points | None) -> npt.NDArray[np.float32]:
        means = crops.mean(axis=(1, 2, 3))
        return np.asarray(means - means[0], np.float32)

    def settings(self) -> dict[str, Any]:
        return {"spotter": "brightest"}


@pytest.fixture
def brightening(make_clip: MakeClip) -> ClipIndex:
    """One clip of six grey frames without an annotated apex, the fourth the brightest: frame 7."""
    clip = make_clip([np.full((48, 64, 3), grey, np.uint8) for grey in (10, 20, 30, 90, 40, 30)], onset=4)
    return clip_index([clip.to_dict()])


@pytest.mark.parametrize("choose", [lambda spotter: spotter, AnnotatedApex], ids=["always", "where it is missing"])
def test_apex_is_spotted_on_the_crops_once(
    brightening: ClipIndex, preparation: Preparation, choose: Callable[[ApexSpotter], ApexChooser]
) -> None:
    spotter = BrightestApex()
    spotting = replace(preparation, apex=choose(spotter))
    _, paths = spotting.run(brightening, Calls())
    key = spotting.key_frames(brightening.clips.iloc[0])
    assert key.apex.unique().tolist() == [90]
    assert spotting.path(brightening.clips.iloc[0]) == paths[0]
    assert spotter.asked == 1
    (spotted,) = preparation.store.root.rglob("apex-*")
    kept = preparation.store.read(spotted, SPOTTED)
    assert kept is not None
    assert (int(kept["frame"]), kept["curve"].tolist()) == (3, [0, 10, 20, 80, 30, 20])


def test_spotted_apex_shares_the_key_frames_of_the_same_apex_annotated(
    brightening: ClipIndex, preparation: Preparation
) -> None:
    clip = brightening.clips.iloc[0]
    annotated = pd.Series(clip.to_dict() | {"apex": 7})
    assert replace(preparation, apex=BrightestApex()).path(clip) == preparation.path(annotated)


def test_annotated_apex_is_not_spotted(index: ClipIndex, preparation: Preparation) -> None:
    spotter = BrightestApex()
    replace(preparation, apex=AnnotatedApex(spotter)).run(index, Calls())
    assert spotter.asked == 0


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
    monkeypatch.setattr(mer.preparation, "_BATCH", 3)
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
