"""Preparation makes key frames once and refuses clips one by one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch

import mer.preparation
from mer.align import EyeCrop, FoundLandmarks
from mer.align.landmarks import Points
from mer.apex import AnnotatedApex, ApexChooser, ApexSpotter, SpottedApex
from mer.clip import ClipIndex, Note, clip_index
from mer.errors import MerError
from mer.frames import Image
from mer.keyframes import extract_key_frames, key_frames_of
from mer.magnify import IIR
from mer.preparation import SPOTTED, Preparation
from tests.conftest import MakeClip
from tests.fakes import face_points
from tests.fakes.path import Calls, with_landmarks


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
