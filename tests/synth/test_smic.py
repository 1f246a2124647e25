"""write_smic writes SMIC's two layouts: folders, frame numbers and sheet as distributed."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from mer.errors import MerError
from mer.synth import write_smic
from mer.synth.smic import HS_HEADER, SHEET_NAME, VIS_HEADER

SMALL = {"subjects": 2, "duration_s": (0.04, 0.06), "frame_size": (160, 120)}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    out = tmp_path_factory.mktemp("smic")
    return out, write_smic(out, clips_per_subject=4, **SMALL)  # type: ignore[arg-type]


def hs_rows(out: Path) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(out / SHEET_NAME)["HS"].iter_rows(values_only=True))


def test_folders_hold_onset_to_offset_and_spell_subjects_without_zeros(written: tuple[Path, pd.DataFrame]) -> None:
    out, clips = written
    for _, clip in clips.iterrows():
        short = clip["clip"].replace("s0", "s")
        folder = out / "SMIC_all_raw" / "HS" / clip["subject"].replace("s0", "s") / "micro" / clip["emotion"] / short
        expected = {f"image{number}.jpg" for number in range(clip["onset"], clip["offset"] + 1)}
        assert {path.name for path in folder.iterdir()} == expected


def test_clips_are_spelled_and_counted_as_in_the_megc_lists(written: tuple[Path, pd.DataFrame]) -> None:
    _, clips = written
    for subject, own in clips.groupby("subject"):
        for emotion, word in (("negative", "ne"), ("positive", "po"), ("surprise", "sur")):
            names = list(own.loc[own["emotion"] == emotion, "clip"])
            assert names == [f"{subject}_{word}_{number:02d}" for number in range(1, len(names) + 1)]
    assert clips.loc[:2, "emotion"].nunique() == 3


def test_sheet_has_the_distributed_columns_with_numbers(written: tuple[Path, pd.DataFrame]) -> None:
    out, clips = written
    book = openpyxl.load_workbook(out / SHEET_NAME)
    assert book.sheetnames == ["HS", "VIS", "Sheet2", "Sheet3"]
    assert next(book["VIS"].iter_rows(values_only=True)) == VIS_HEADER
    header, *rows = hs_rows(out)
    assert header == HS_HEADER
    for row, (_, clip) in zip(rows, clips.iterrows(), strict=True):
        moving = clip["offset"] - clip["onset"] + 1
        assert row[:2] == (int(clip["subject"][1:]), clip["clip"].replace("s0", "s"))
        assert row[3:5] == row[10:12] == (clip["onset"], clip["offset"])
        assert (row[12], row[15], row[16]) == (moving, moving, clip["emotion"])
        assert not any((*row[5:10], *row[13:15]))


def test_long_layout_holds_more_frames_and_says_so(tmp_path: Path) -> None:
    clips = write_smic(tmp_path, layout="long", clips_per_subject=1, extra_frames=3, **SMALL)  # type: ignore[arg-type]
    clip, row = clips.iloc[0], hs_rows(tmp_path)[1]
    folder = tmp_path / "HS_long" / "SMIC_HS_E" / clip["subject"] / clip["clip"]
    numbers = sorted(int(path.stem.removeprefix("image")) for path in folder.iterdir())
    assert numbers == list(range(clip["onset"] - 3, clip["offset"] + 4))
    assert row[10:12] == (numbers[0], numbers[-1])
    assert row[15] == len(numbers)
    assert clips.attrs["words"] == "dataset=smic dataset.frames=HS_long/SMIC_HS_E"


def test_extra_frames_have_no_place_in_the_layout_of_onset_to_offset(tmp_path: Path) -> None:
    with pytest.raises(MerError, match="extra_frames=3; set layout=long"):
        write_smic(tmp_path / "out", extra_frames=3)
    with pytest.raises(MerError, match="layout to be one of all, long"):
        write_smic(tmp_path / "out", layout="short")
    assert not (tmp_path / "out").exists()
