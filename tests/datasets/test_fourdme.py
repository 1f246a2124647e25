"""FourDme reads the wide sheet, two emotions of one clip, and two sessions of one person."""

from pathlib import Path

import pytest

from mer.datasets import FourDme
from tests.conftest import LabelsOf
from tests.fakes import FourDmeRow, write_fourdme
from tests.fakes.fourdme import HEADER


def test_rows_are_read_from_the_wide_sheet(tmp_path: Path) -> None:
    clips = FourDme(write_fourdme(tmp_path)).load().clips
    assert clips[["dataset", "subject", "clip", "label", "action_units"]].to_numpy().tolist() == [
        ["fourdme", "S13", "S13_001_01_1", "positive", "4(k)+L7"],
        ["fourdme", "S14", "S14_001_01_1", "negative", "4(k)+L7"],
    ]
    assert clips["fps"].eq(60).all()


@pytest.mark.parametrize("cell", ["Surprise+Positive", "Positive+Surprise", "positive + surprise"])
def test_two_emotions_are_one_label_in_alphabetical_order(tmp_path: Path, cell: str) -> None:
    clips = FourDme(write_fourdme(tmp_path, [FourDmeRow(emotion=cell)])).load().clips
    assert clips["label"].tolist() == ["positive+surprise"]


def test_clip_of_two_emotions_is_refused_by_the_label_scheme(tmp_path: Path, labels_of: LabelsOf) -> None:
    rows = [FourDmeRow(), FourDmeRow(clip="S13_001_01_2", emotion="Surprise+Positive")]
    index = labels_of("fourdme").apply(FourDme(write_fourdme(tmp_path, rows)).load())
    assert index.clips["label"].tolist() == ["positive"]
    assert "unknown label 'positive+surprise'" in index.notes[0].reason


@pytest.mark.parametrize(("session", "person"), [("S13_1st", "S13"), ("S30_2nd", "S30"), ("S49_2", "S49")])
def test_sessions_of_one_person_are_one_subject(tmp_path: Path, session: str, person: str) -> None:
    rows = [FourDmeRow(session, f"{session}_001_01_1"), FourDmeRow(person, f"{person}_001_01_1")]
    index = FourDme(write_fourdme(tmp_path, rows)).load()
    assert index.clips["subject"].tolist() == [person, person]
    assert [str(note) for note in index.notes] == [
        f"repaired fourdme/{person}/{session}_001_01_1: session {session} belongs to subject {person}"
    ]


def test_later_release_names_folder_frames_and_subject_otherwise(tmp_path: Path) -> None:
    header = ["SubID" if name == "sub_ID" else name for name in HEADER]
    frames = "micro_short_gray_video"
    root = write_fourdme(tmp_path, [FourDmeRow(pattern="Frame_{:09d}.jpg")], header=header, frames=frames)
    index = FourDme(root, frames=frames).load()
    assert index.notes == ()
    assert Path(index.clips["files"].iloc[0][0]).name == "Frame_000001826.jpg"


def test_apostrophes_in_the_headers_do_not_matter(tmp_path: Path) -> None:
    root = write_fourdme(tmp_path, header=[f"{name}'" if name == "sub_ID" else name for name in HEADER])
    assert len(FourDme(root).load()) == 2
