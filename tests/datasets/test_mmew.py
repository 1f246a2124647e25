"""Mmew finds a clip by its name, whatever folder of an emotion it lies in."""

from pathlib import Path

import pytest

from mer.datasets import Mmew
from tests.fakes import MmewRow, write_images, write_mmew
from tests.fakes.mmew import FRAMES


def test_clips_lie_under_their_emotion(tmp_path: Path) -> None:
    clips = Mmew(write_mmew(tmp_path)).load().clips
    assert clips[["dataset", "subject", "clip", "label"]].to_numpy().tolist() == [
        ["mmew", "S03", "S03-01-002", "happiness"],
        ["mmew", "S12", "S12-06-001", "others"],
    ]
    assert clips["fps"].eq(90).all()


def test_clips_may_lie_under_subject_and_emotion(tmp_path: Path) -> None:
    rows = [MmewRow(by_subject=True), MmewRow(12, "S12-06-001", emotion="Others", by_subject=True)]
    index = Mmew(write_mmew(tmp_path, rows, frames="MMEW"), frames="MMEW").load()
    assert index.notes == ()
    assert [Path(files[0]).parts[-4:-1] for files in index.clips["files"]] == [
        ("S03", "happiness", "S03-01-002"),
        ("S12", "others", "S12-06-001"),
    ]


@pytest.mark.parametrize("by_subject", [False, True])
def test_emotion_is_the_sheets_where_the_folder_says_another(tmp_path: Path, by_subject: bool) -> None:
    row = MmewRow(emotion="others", place="repression", by_subject=by_subject)
    index = Mmew(write_mmew(tmp_path, [row])).load()
    assert index.notes == ()
    assert index.clips["label"].tolist() == ["others"]


def test_two_folders_of_one_clip_are_refused(tmp_path: Path) -> None:
    root = write_mmew(tmp_path, [MmewRow()])
    write_images(root / FRAMES / "surprise" / "S03-01-002", [f"{number}.jpg" for number in range(1, 7)])
    index = Mmew(root).load()
    assert [str(note) for note in index.notes] == [
        "refused mmew/S03/S03-01-002: two folders of that name, happiness/S03-01-002 and surprise/S03-01-002"
    ]


def test_offset_beyond_the_frames_shortens_the_clip(tmp_path: Path) -> None:
    index = Mmew(write_mmew(tmp_path, [MmewRow(onset=1, apex=4, offset=75, on_disk=range(1, 21))])).load()
    assert [note.reason for note in index.notes] == ["frames after 20 missing, offset 75 -> 20"]
    assert index.clips["offset"].tolist() == [20]


def test_apex_beyond_the_frames_is_refused(tmp_path: Path) -> None:
    index = Mmew(write_mmew(tmp_path, [MmewRow(onset=1, apex=40, offset=75, on_disk=range(1, 21))])).load()
    assert [note.reason for note in index.notes] == ["20 of the frames 1..40 missing, the first is 21"]
    assert len(index) == 0
