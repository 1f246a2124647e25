"""Casme3 reads both parts, and part A in both of its layouts."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest

from mer.clip import ClipIndex
from mer.datasets import Casme3
from mer.errors import MerError
from tests.conftest import LabelsOf
from tests.fakes import Casme3CRow, Casme3Row, write_casme3, write_casme3_c
from tests.fakes.casme3 import FRAMES_A, PACKED
from tests.fakes.coded import sparse_numbers, touch_frames

REAL_SHEET = "casme3_part_A_edited.csv"


def clips_of(index: ClipIndex) -> list[list[str]]:
    assert index.notes == ()
    names: list[list[str]] = index.clips[["subject", "clip"]].to_numpy().tolist()
    return names


def test_movements_of_one_recording_are_told_apart_by_their_onset(tmp_path: Path) -> None:
    index = Casme3(write_casme3(tmp_path)).load()
    assert clips_of(index) == [["spNO.1", "b_166"], ["spNO.1", "b_180"]]
    assert index.clips["label"].tolist() == ["happy", "disgust"]
    assert index.clips["objective_class"].tolist() == ["III", "III"]
    assert index.clips["fps"].eq(30).all()


def test_clips_may_be_packed_in_folders_of_their_own(tmp_path: Path) -> None:
    rows = [Casme3Row(place="spNO.1_b_166"), Casme3Row(onset=180, apex=185, offset=186, place="spNO.1_b_180")]
    index = Casme3(write_casme3(tmp_path, rows, frames=PACKED), frames=PACKED).load()
    assert clips_of(index) == [["spNO.1", "b_166"], ["spNO.1", "b_180"]]
    assert [Path(files[0]).parent.name for files in index.clips["files"]] == ["spNO.1_b_166", "spNO.1_b_180"]


def test_sheet_may_be_a_csv(tmp_path: Path) -> None:
    root = write_casme3(tmp_path, sheet="mine.csv")
    assert len(clips_of(Casme3(root, sheet="mine.csv").load())) == 2


@pytest.mark.parametrize(
    ("place", "frames"),
    [("SPNO.1/B/Color", FRAMES_A), ("spno.1/b/color", FRAMES_A), ("spNo.1_B_166", PACKED)],
    ids=["upper", "lower", "packed"],
)
def test_case_of_folders_does_not_matter(tmp_path: Path, place: str, frames: str) -> None:
    root = write_casme3(tmp_path, [Casme3Row(place=place)], frames=frames)
    assert clips_of(Casme3(root, frames=frames).load()) == [["spNO.1", "b_166"]]


@pytest.mark.parametrize("subject", ["spNo.1", "spno.1", "SPNO.1"])
def test_one_person_is_one_subject_whatever_the_case(tmp_path: Path, subject: str) -> None:
    rows = [Casme3Row(), Casme3Row(subject=subject, clip="c", place="spNO.1/c/color")]
    assert clips_of(Casme3(write_casme3(tmp_path, rows)).load()) == [["spNO.1", "b_166"], ["spNO.1", "c_166"]]


def test_depth_images_are_no_frames(tmp_path: Path) -> None:
    root = write_casme3(tmp_path)
    shutil.copytree(root / FRAMES_A / "spNO.1/b/color", root / FRAMES_A / "spNO.1/b/depth")
    assert {Path(files[0]).parent.name for files in Casme3(root).load().clips["files"]} == {"color"}


def test_onset_that_a_program_made_decimal_names_the_same_clip(tmp_path: Path) -> None:
    root = write_casme3(tmp_path, [Casme3Row()], sheet="mine.csv")
    sheet = root / "mine.csv"
    sheet.write_text(sheet.read_text().replace("166,169,171", "166.0,169.0,171.0"))
    assert clips_of(Casme3(root, sheet="mine.csv").load()) == [["spNO.1", "b_166"]]


def test_dropped_frames_are_filled_on_demand(tmp_path: Path) -> None:
    root = write_casme3(tmp_path, [Casme3Row(on_disk=[166, 168, 169, 171])])
    assert [note.kind for note in Casme3(root).load().notes] == ["refused"]
    index = Casme3(root, fill_gaps=2).load()
    assert [note.kind for note in index.notes] == ["repaired"]
    assert len(index.clips["files"].iloc[0]) == 6


def test_part_c_has_no_apex_and_is_a_dataset_of_its_own(tmp_path: Path) -> None:
    index = Casme3(write_casme3_c(tmp_path), part="C").load()
    assert clips_of(index) == [["04", "1"], ["11", "2"]]
    assert index.clips["dataset"].eq("casme3_c").all()
    assert index.clips["apex"].isna().all()
    assert index.clips["action_units"].tolist() == ["4+7", "4，7"]  # noqa: RUF001 a Chinese comma, as in the sheet


@pytest.mark.parametrize("place", ["4/1/color", "04/1/color", "04/a/color", "4/a/color", "04/A/Color"])
def test_part_c_is_found_by_movement_or_in_the_whole_recording(tmp_path: Path, place: str) -> None:
    root = write_casme3_c(tmp_path, [Casme3CRow(place=place, on_disk=range(1, 30))])
    index = Casme3(root, part="C").load()
    assert clips_of(index) == [["04", "1"]]
    assert len(index.clips["files"].iloc[0]) == 6


def test_movements_of_one_recording_in_part_c_are_two_clips(tmp_path: Path) -> None:
    rows = [Casme3CRow(clip=1, place="04/a/color"), Casme3CRow(clip=2, onset=20, offset=25, place="04/a/color")]
    assert clips_of(Casme3(write_casme3_c(tmp_path, rows), part="C").load()) == [["04", "1"], ["04", "2"]]


def test_unknown_part_is_refused() -> None:
    with pytest.raises(MerError, match=r"dataset\.part to be one of A, C; got 'B'"):
        Casme3(None, part="B")


@pytest.fixture(scope="module")
def real_root(real_data: Path) -> Iterator[Path]:
    """The real CSV with an empty file for the fewest frames that do with all gaps filled."""
    sheet = real_data / "annotations" / REAL_SHEET
    rows = pd.read_csv(sheet)
    with TemporaryDirectory() as folder:
        for _, row in rows.iterrows():
            numbers = sparse_numbers(row["Onset"], row["Apex"], row["Offset"])
            place = Path(folder) / FRAMES_A / row["Subject"] / row["Filename"] / "color"
            touch_frames(place, [f"{number}.jpg" for number in numbers])
        shutil.copy(sheet, folder)
        yield Path(folder)


@pytest.fixture(scope="module")
def real_index(real_root: Path) -> ClipIndex:
    return Casme3(real_root, sheet=REAL_SHEET, fill_gaps=100).load()


def test_every_row_of_the_real_csv_loads(real_index: ClipIndex) -> None:
    assert len(real_index) == 687
    assert real_index.clips["subject"].nunique() == 87
    assert {note.kind for note in real_index.notes} == {"repaired"}


def test_real_apex_that_cannot_be_used_is_left_open(real_index: ClipIndex) -> None:
    about_apex = [note for note in real_index.notes if note.reason.startswith("apex ")]
    reasons = Counter(note.reason.split("; ")[0].split(" ", 2)[2] for note in about_apex)
    assert reasons == {"is the onset, left to apex=": 27, "outside onset..offset 112..358, left to apex=": 1}
    outside = [note.clip for note in about_apex if "outside" in note.reason]
    assert outside == ["casme3/spNO.149/d_112"]
    assert real_index.clips["apex"].isna().sum() == 28


def test_real_csv_has_the_groups_counts(real_data: Path, real_index: ClipIndex, labels_of: LabelsOf) -> None:
    published = pd.read_csv(real_data / "annotations" / REAL_SHEET)
    counts = {"disgust": 247, "surprise": 184, "fear": 83, "anger": 64, "sad": 55, "happy": 54}
    assert labels_of("casme3").apply(real_index).clips["label"].value_counts().to_dict() == counts
    three = labels_of("megc3").apply(real_index).clips["label"]
    assert three.value_counts().to_dict() == {"negative": 449, "surprise": 184, "positive": 54}
    assert three.tolist() == published["label_for_3"].map({0: "negative", 1: "positive", 2: "surprise"}).tolist()
    classes = real_index.clips["objective_class"].value_counts().to_dict()
    assert classes == {"VII": 243, "III": 220, "II": 135, "V": 40, "IV": 34, "I": 12, "VI": 3}
