"""Casme reads CASME's own headers, its subjects' numbers and frames named after their clip."""

from pathlib import Path

import pytest

from mer.datasets import Casme
from tests.fakes import Casme2Row, CasmeRow, write_casme
from tests.fakes.casme import SHEET
from tests.fakes.casme2 import HEADER as CASME2_HEADER
from tests.fakes.casme2 import write_sheet


def test_subjects_and_clips_are_named_as_the_folders_are(tmp_path: Path) -> None:
    clips = Casme(write_casme(tmp_path)).load().clips
    assert clips[["dataset", "subject", "clip", "label"]].to_numpy().tolist() == [
        ["casme", "sub01", "EP01_12", "happiness"],
        ["casme", "sub02", "EP03_1", "tense"],
    ]
    assert clips["fps"].eq(60).all()


@pytest.mark.parametrize("width", [1, 3], ids=["unpadded", "padded"])
def test_frames_number_stands_after_the_dash(tmp_path: Path, width: int) -> None:
    row = CasmeRow(onset=57, apex=60, offset=62, on_disk=range(50, 70), width=width)
    clip = Casme(write_casme(tmp_path, [row])).load().clips.iloc[0]
    assert [Path(file).name for file in clip["files"]] == [f"EP01_12-{n:0{width}d}.jpg" for n in range(57, 63)]


def test_cropped_frames_carry_another_prefix(tmp_path: Path) -> None:
    root = write_casme(tmp_path, [CasmeRow(prefix="reg_")], frames="Cropped")
    index = Casme(root, frames="Cropped").load()
    assert index.notes == ()
    assert Path(index.clips["files"].iloc[0][0]).name == "reg_EP01_12-3.jpg"


def test_second_apex_is_not_taken_for_the_first(tmp_path: Path) -> None:
    assert Casme(write_casme(tmp_path)).load().clips["apex"].tolist() == [6, 6]


def test_casme2s_headers_are_accepted_too(tmp_path: Path) -> None:
    root = write_casme(tmp_path, [CasmeRow(subject="01", clip="EP01_01f")])
    write_sheet(root / SHEET, [Casme2Row().cells], CASME2_HEADER)
    index = Casme(root).load()
    assert index.notes == ()
    assert index.clips[["subject", "clip", "label"]].to_numpy().tolist() == [["sub01", "EP01_01f", "happiness"]]


def test_number_of_a_subject_is_no_repair(tmp_path: Path) -> None:
    assert Casme(write_casme(tmp_path, [CasmeRow(subject=1)])).load().notes == ()
