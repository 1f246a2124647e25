"""Samm finds the header below the preamble, and frames of any padding."""

from pathlib import Path

import openpyxl
import pytest

from mer.datasets import Samm
from tests.conftest import LabelsOf
from tests.fakes import SammRow, write_samm
from tests.fakes.samm import SHEET


def test_rows_below_the_preamble_are_read(tmp_path: Path) -> None:
    clips = Samm(write_samm(tmp_path)).load().clips
    assert clips[["dataset", "subject", "clip", "label", "objective_class"]].to_numpy().tolist() == [
        ["samm", "006", "006_1_2", "happiness", "I"],
        ["samm", "007", "007_3_1", "other", "VII"],
    ]
    assert clips["fps"].eq(200).all()


def test_refused_row_is_named_by_its_line_in_the_sheet(tmp_path: Path) -> None:
    index = Samm(write_samm(tmp_path, [SammRow(clip=None, on_disk=())])).load()
    assert [str(note) for note in index.notes] == ["refused samm/row 15: no clip in row 15"]


@pytest.mark.parametrize(
    ("cell", "subject", "notes"), [("006", "006", 0), (6, "006", 1), (11, "011", 1), ("011", "011", 0)]
)
def test_subject_is_three_digits(tmp_path: Path, cell: int | str, subject: str, notes: int) -> None:
    index = Samm(write_samm(tmp_path, [SammRow(subject=cell)])).load()
    assert index.clips["subject"].tolist() == [subject]
    assert [note.reason for note in index.notes] == [
        f"subject {cell}, a number in the sheet, read as {subject}"
    ] * notes


@pytest.mark.parametrize("width", [1, 4, 5, 6])
def test_padding_of_the_frames_does_not_matter(tmp_path: Path, width: int) -> None:
    row = SammRow(onset=98, apex=100, offset=102, width=width)
    index = Samm(write_samm(tmp_path, [row])).load()
    assert index.notes == ()
    assert [Path(file).stem[4:] for file in index.clips["files"].iloc[0]] == [f"{n:0{width}d}" for n in range(98, 103)]


@pytest.mark.parametrize("units", ["(R6 or R12)+R15", "10A/B", "12+15 ", 4])
def test_action_units_stay_as_the_sheet_writes_them(tmp_path: Path, units: int | str) -> None:
    clips = Samm(write_samm(tmp_path, [SammRow(units=units)])).load().clips
    assert clips["action_units"].tolist() == [str(units).strip()]


def test_frames_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    root = write_samm(tmp_path, frames="SAMM")
    assert len(Samm(root, frames="SAMM").load()) == 2
    assert {note.kind for note in Samm(root).load().notes} == {"refused"}


def test_other_worksheets_do_not_matter(tmp_path: Path) -> None:
    root = write_samm(tmp_path)
    book = openpyxl.load_workbook(root / SHEET)
    book.create_sheet("READ ME", 0).append(["Subject", "Filename"])
    book.save(root / SHEET)
    assert len(Samm(root).load()) == 2


def test_megc2019_keeps_samms_fear_and_sadness(tmp_path: Path, labels_of: LabelsOf) -> None:
    emotions = ("Anger", "Contempt", "Disgust", "Fear", "Sadness", "Happiness", "Surprise", "Other")
    rows = [SammRow(clip=f"006_1_{number}", emotion=emotion) for number, emotion in enumerate(emotions)]
    clips = labels_of("megc3").apply(Samm(write_samm(tmp_path, rows)).load()).clips
    assert clips["label"].value_counts().to_dict() == {"negative": 5, "positive": 1, "surprise": 1}
