"""write_samm writes SAMM's layout: grey frames, padded numbers, a sheet with a preamble."""

from pathlib import Path

import cv2
import openpyxl
import pandas as pd
import pytest

from mer.action_units import objective_class, parse_action_units
from mer.synth import write_samm
from mer.synth.samm import EMOTIONS, FRAME_SIZE, HEADER, PREAMBLE_ROWS, SHEET_NAME


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    out = tmp_path_factory.mktemp("samm")
    return out, write_samm(
        out, subjects=2, clips_per_subject=8, duration_s=(0.015, 0.02), frame_size=(204, 108), motion_px=(0.2, 0.3)
    )


def test_frames_are_grey_and_named_by_subject_and_padded_number(written: tuple[Path, pd.DataFrame]) -> None:
    out, clips = written
    assert list(clips["subject"].unique()) == ["006", "007"]
    for _, clip in clips.iterrows():
        digits = 5 if clip["subject"] == "006" else 4
        numbers = range(clip["onset"], clip["offset"] + 1)
        names = sorted(path.name for path in (out / clip["subject"] / clip["clip"]).iterdir())
        assert names == [f"{clip['subject']}_{number:0{digits}d}.jpg" for number in numbers]
    frame = cv2.imread(str(out / clip["subject"] / clip["clip"] / names[0]), cv2.IMREAD_UNCHANGED)
    assert frame.shape == (108, 204)


def test_sheet_has_preamble_header_and_cells_as_distributed(written: tuple[Path, pd.DataFrame]) -> None:
    out, clips = written
    book = openpyxl.load_workbook(out / SHEET_NAME)
    rows = list(book["MICRO_ONLY"].iter_rows(values_only=True))
    assert PREAMBLE_ROWS == 13
    assert rows[PREAMBLE_ROWS] == HEADER
    for row, (_, clip) in zip(rows[PREAMBLE_ROWS + 1 :], clips.iterrows(), strict=True):
        assert row[:2] == (clip["subject"], clip["clip"])
        assert row[2] == int(clip["clip"].split("_")[1])
        assert row[3:6] == tuple(clip[["onset", "apex", "offset"]])
        assert row[6] == clip["offset"] - clip["onset"] + 1
        assert (row[7], str(row[8]), row[9]) == ("Micro", clip["action_units"], clip["emotion"])


def test_objective_class_follows_from_the_action_units(written: tuple[Path, pd.DataFrame]) -> None:
    out, clips = written
    rows = list(openpyxl.load_workbook(out / SHEET_NAME)["MICRO_ONLY"].iter_rows(values_only=True))
    roman = ["", "I", "II", "III", "IV", "V", "VI", "VII"]
    expected = [objective_class(parse_action_units(units)) for units in clips["action_units"]]
    assert [roman[int(str(row[10]))] for row in rows[PREAMBLE_ROWS + 1 :]] == expected


def test_a_subject_shows_all_eight_emotions_capitalised(written: tuple[Path, pd.DataFrame]) -> None:
    _, clips = written
    assert set(clips.loc[clips["subject"] == "006", "emotion"]) == set(EMOTIONS)
    assert all(name.istitle() for name in EMOTIONS)


def test_default_frames_have_half_of_samms_size(tmp_path: Path) -> None:
    write_samm(tmp_path, subjects=2, clips_per_subject=1, duration_s=(0.015, 0.015))
    frame = cv2.imread(str(next(tmp_path.glob("006/*/*.jpg"))), cv2.IMREAD_UNCHANGED)
    assert frame.shape == FRAME_SIZE[::-1] == (544, 1020)
