"""Folder reads clips of one's own from a list of folders and videos."""

import math
import shutil
from pathlib import Path

import pytest

from mer.clip import subject_keys
from mer.datasets import Folder
from tests.fakes import FolderRow, write_folder, write_video
from tests.fakes.folder import SHEET

NEEDED = ("dataset", "subject", "clip", "path", "label")


def test_clips_are_those_of_the_list(tmp_path: Path) -> None:
    clips = Folder(write_folder(tmp_path)).load().clips
    assert clips[["dataset", "subject", "clip", "label", "fps"]].to_numpy().tolist() == [
        ["lab", "anna", "smile", "happiness", 120],
        ["lab", "ben", "frown", "disgust", 120],
    ]


@pytest.mark.parametrize(("onset", "offset", "numbers"), [(None, None, (3, 8)), (4, None, (4, 8)), (None, 7, (3, 7))])
def test_empty_onset_and_offset_are_the_first_and_last_frame(
    tmp_path: Path, onset: int | None, offset: int | None, numbers: tuple[int, int]
) -> None:
    row = FolderRow(onset=onset, apex=None, offset=offset, on_disk=range(3, 9))
    index = Folder(write_folder(tmp_path, [row])).load()
    assert index.notes == ()
    assert tuple(index.clips[["onset", "offset"]].iloc[0]) == numbers


def test_apex_may_be_left_to_the_apex_step(tmp_path: Path) -> None:
    index = Folder(write_folder(tmp_path, [FolderRow(apex=None)])).load()
    assert index.notes == ()
    assert index.clips["apex"].isna().all()


def test_columns_of_frames_may_be_missing_altogether(tmp_path: Path) -> None:
    index = Folder(write_folder(tmp_path, [FolderRow()], columns=[*NEEDED, "fps"])).load()
    assert index.notes == ()
    assert index.clips[["onset", "offset"]].to_numpy().tolist() == [[3, 8]]
    assert index.clips["action_units"].tolist() == [""]


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".AVI"])
@pytest.mark.parametrize(("first", "numbers"), [(0, [0, 9]), (1, [1, 10])])
def test_video_tells_its_own_speed_and_is_counted_from_its_first_frame(
    tmp_path: Path, suffix: str, first: int, numbers: list[int]
) -> None:
    video = write_video(tmp_path / f"smile{suffix}", frames=10, fps=25)
    row = FolderRow(path=video.name, fps=None, onset=None, apex=None, offset=None)
    index = Folder(write_folder(tmp_path, [row]), first_video_frame=first).load()
    assert index.notes == ()
    assert index.clips[["onset", "offset"]].to_numpy().tolist() == [numbers]
    assert index.clips["fps"].tolist() == [25]
    assert index.clips["files"].iloc[0][-1] == f"{video}#frame=9"


def test_speed_in_the_list_goes_before_the_videos_own(tmp_path: Path) -> None:
    write_video(tmp_path / "smile.avi", frames=10, fps=25)
    row = FolderRow(path="smile.avi", fps="200", onset=1, apex=5, offset=10)
    assert Folder(write_folder(tmp_path, [row])).load().clips["fps"].tolist() == [200]


@pytest.mark.parametrize("fps", [None, 0, -25, "fast", "nan", "inf"])
def test_folder_without_a_speed_is_refused(tmp_path: Path, fps: int | str | None) -> None:
    index = Folder(write_folder(tmp_path, [FolderRow(fps=fps)])).load()
    assert [str(note) for note in index.notes] == [
        f"refused lab/anna/smile: fps {str(fps or '') if fps != 0 else '0'!r} is no number of frames a second"
    ]


@pytest.mark.parametrize("dataset", [None, "my lab", "../lab", "lab/1", "lab-1"])
def test_dataset_without_a_plain_name_is_refused(tmp_path: Path, dataset: str | None) -> None:
    index = Folder(write_folder(tmp_path, [FolderRow(dataset=dataset)])).load()
    assert len(index) == 0
    assert index.notes[0].reason == f"dataset {dataset or ''!r}: a name of letters, digits and _ is needed"


def test_row_without_a_path_is_refused(tmp_path: Path) -> None:
    index = Folder(write_folder(tmp_path, [FolderRow(path="")])).load()
    assert [note.reason for note in index.notes] == ["no path"]


def test_equal_subjects_of_two_datasets_are_two_people(tmp_path: Path) -> None:
    rows = [FolderRow(), FolderRow(dataset="field", clip="other")]
    clips = Folder(write_folder(tmp_path, rows)).load().clips
    assert clips["subject"].nunique() == 1
    assert sorted(subject_keys(clips)) == ["field-anna", "lab-anna"]


def test_numbers_for_names_stay_text(tmp_path: Path) -> None:
    clips = Folder(write_folder(tmp_path, [FolderRow(subject="006", clip="01")])).load().clips
    assert clips[["subject", "clip"]].to_numpy().tolist() == [["006", "01"]]


def test_absolute_path_leads_anywhere(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "list", [FolderRow()])
    shutil.move(root / "anna" / "smile", tmp_path / "elsewhere")
    text = (root / SHEET).read_text().replace("anna/smile", str(tmp_path / "elsewhere"))
    (root / SHEET).write_text(text)
    assert Folder(root).load().notes == ()
    index = Folder(root, follow_links=False).load()
    assert [note.kind for note in index.notes] == ["refused"]


def test_dataset_itself_has_no_speed() -> None:
    assert math.isnan(Folder(None).fps)
