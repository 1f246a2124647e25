"""Counts stand beside the published ones; clips whose frames cannot be read are told as preparing would meet them."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mer.apex import AnnotatedApex, MiddleApex
from mer.clip import ClipIndex, clip_index
from mer.inspection import check_images, count_clips
from mer.labels import Published
from mer.magnify import IIR, Ideal, TemporalFilter
from tests.conftest import Frame, MakeClip


def frames(number: int) -> list[Frame]:
    return list(np.random.default_rng(0).integers(0, 256, (number, 24, 32, 3), np.uint8))


def index_of(*clips: pd.Series) -> ClipIndex:
    return clip_index([clip.to_dict() for clip in clips])


def labelled(*rows: tuple[str, str, str]) -> ClipIndex:
    """Clips of (dataset, subject, class), the classes in the order surprise, disgust."""
    numbers = {"fps": 200.0, "onset": 1, "apex": 2, "offset": 2, "files": ("a", "b")}
    clips = clip_index(
        {"dataset": dataset, "subject": subject, "clip": str(place), "label": label, **numbers}
        for place, (dataset, subject, label) in enumerate(rows)
    )
    return ClipIndex(clips.clips, classes=("surprise", "disgust"))


def test_clips_are_counted_by_dataset_class_and_subject() -> None:
    index = labelled(("b", "s1", "disgust"), ("a", "s1", "disgust"), ("a", "s2", "surprise"), ("a", "s1", "disgust"))
    a, b = count_clips(index, {})
    assert (a.dataset, a.per_class) == ("a", {"surprise": 1, "disgust": 2})
    assert a.per_subject == {"s1": {"surprise": 0, "disgust": 2}, "s2": {"surprise": 1, "disgust": 0}}
    assert list(a.per_class) == ["surprise", "disgust"]
    assert (b.dataset, b.per_class, b.published) == ("b", {"surprise": 0, "disgust": 1}, None)


def test_published_subjects_without_a_clip_are_listed_too() -> None:
    published = Published(2, {"disgust": 3}, "a paper", {"s1": 1, "s3": 2})
    (counts,) = count_clips(labelled(("a", "s1", "disgust"), ("a", "s2", "surprise")), {"a": published})
    assert counts.subjects == ["s1", "s2", "s3"]
    assert counts.published is published


def check(index: ClipIndex, decode: bool, temporal: TemporalFilter | None = None) -> ClipIndex:
    return check_images(index, AnnotatedApex(MiddleApex()), temporal or IIR(), decode, lambda done, total: None)


@pytest.mark.parametrize("decode", [False, True])
def test_whole_images_leave_the_index_as_it_is(make_clip: MakeClip, decode: bool) -> None:
    index = index_of(make_clip(frames(5)), make_clip(frames(3), clip="EP02"))
    checked = check(index, decode)
    pd.testing.assert_frame_equal(checked.clips, index.clips)
    assert checked.notes == ()


@pytest.mark.parametrize("decode", [False, True])
@pytest.mark.parametrize(
    ("apex", "broken", "kind"),
    [(6, 4, "refused"), (6, 6, "refused"), (6, 7, "repaired"), (None, 6, "refused"), (None, 7, "repaired")],
    ids=["onset", "apex", "after the apex", "chosen apex", "after the chosen apex"],
)
def test_clip_with_a_cut_off_image_up_to_its_apex_is_refused(
    make_clip: MakeClip, apex: int | None, broken: int, kind: str, decode: bool
) -> None:
    clip = make_clip(frames(5), onset=4, apex=apex)  # offset 8, so the middle frame is 6
    file = Path(clip["files"][broken - 4])
    file.write_bytes(file.read_bytes()[:-40])
    checked = check(index_of(clip, make_clip(frames(3), clip="EP02")), decode)
    assert checked.clips["clip"].tolist() == (["EP02"] if kind == "refused" else ["EP01_01f", "EP02"])
    (note,) = checked.notes
    assert (note.kind, note.clip) == (kind, "casme2/sub01/EP01_01f")
    assert f"img{broken}.png" in note.reason
    assert "breaks off" in note.reason


@pytest.mark.parametrize("decode", [False, True])
def test_clip_with_a_cut_off_image_after_its_apex_is_refused_where_the_filter_looks_ahead(
    make_clip: MakeClip, decode: bool
) -> None:
    clip = make_clip(frames(5), onset=4, apex=6)
    file = Path(clip["files"][4])
    file.write_bytes(file.read_bytes()[:-40])
    assert len(check(index_of(clip), decode)) == 1
    checked = check(index_of(clip), decode, Ideal(0.5, 10))
    assert len(checked) == 0
    assert [note.kind for note in checked.notes] == ["refused"]


def test_damage_inside_an_image_is_found_by_decoding_alone(make_clip: MakeClip) -> None:
    clip = make_clip(frames(3), onset=4, apex=6)
    file = Path(clip["files"][1])
    data = bytearray(file.read_bytes())
    data[16:24] = bytes(8)  # PNG's width and height
    file.write_bytes(bytes(data))
    assert len(check(index_of(clip), decode=False)) == 1
    assert len(check(index_of(clip), decode=True)) == 0


@pytest.mark.parametrize("decode", [False, True])
def test_video_that_lacks_its_last_frames_is_refused(tmp_path: Path, make_clip: MakeClip, decode: bool) -> None:
    video = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 30, (32, 24))
    for frame in frames(4):
        writer.write(frame)
    writer.release()
    clip = make_clip(frames(4))
    clip["files"] = tuple(f"{video}#frame={place}" for place in range(4))
    assert len(check(index_of(clip), decode)) == 1
    clip["files"] = tuple(f"{video}#frame={place}" for place in range(5))
    clip["apex"] = 8
    checked = check(index_of(clip), decode)
    assert len(checked) == 0
    assert "clip.avi" in checked.notes[0].reason


def test_progress_counts_clips(make_clip: MakeClip) -> None:
    told: list[tuple[int, int]] = []
    index = index_of(make_clip(frames(2)), make_clip(frames(2), clip="EP02"))
    check_images(index, AnnotatedApex(MiddleApex()), IIR(), False, lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
