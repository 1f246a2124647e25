"""write_casme2 writes CASME II's layout: sheet and frames as distributed."""

from pathlib import Path

import cv2
import openpyxl
import pandas as pd
import pytest

from mer.synth import write_casme2
from mer.synth.casme2 import EMOTIONS, HEADER, SHEET_NAME


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    out = tmp_path_factory.mktemp("casme2")
    size = (160, 120)
    return out, write_casme2(out, subjects=2, clips_per_subject=4, duration_s=(0.02, 0.05), frame_size=size)


def test_sheet_has_the_distributed_layout(written: tuple[Path, pd.DataFrame]) -> None:
    out, clips = written
    book = openpyxl.load_workbook(out / SHEET_NAME)
    rows = list(book["Sheet1"].iter_rows(values_only=True))
    assert book.sheetnames == ["Sheet1", "Sheet2", "Sheet3"]
    assert rows[0] == HEADER
    assert [row[0] for row in rows[1:]] == ["01"] * 4 + ["02"] * 4
    assert [row[1] for row in rows[1:]] == ["EP01_01f", "EP01_02f", "EP01_03f", "EP02_01f"] * 2
    assert [row[3:6] for row in rows[1:]] == [tuple(row) for row in clips[["onset", "apex", "offset"]].values]
    assert [row[8] for row in rows[1:]] == list(clips["emotion"])
    assert set(clips["emotion"]) <= set(EMOTIONS)
    assert all(isinstance(row[7], int if str(row[7]).isdigit() else str) for row in rows[1:])


def test_frames_are_numbered_as_in_the_sheet(written: tuple[Path, pd.DataFrame]) -> None:
    out, clips = written
    for _, clip in clips.iterrows():
        folder = out / "CASME2-RAW" / clip["subject"] / clip["clip"]
        expected = {f"img{number}.jpg" for number in range(clip["onset"], clip["offset"] + 1)}
        assert {path.name for path in folder.iterdir()} == expected
        assert clip["onset"] < clip["apex"] < clip["offset"]
        assert cv2.imread(str(folder / f"img{clip['apex']}.jpg"), cv2.IMREAD_UNCHANGED).shape == (120, 160, 3)


def test_extra_frames_lie_around_the_clip(tmp_path: Path) -> None:
    choices = {"subjects": 2, "clips_per_subject": 1, "duration_s": (0.02, 0.02), "frame_size": (160, 120)}
    clips = write_casme2(tmp_path, extra_frames=2, **choices)  # type: ignore[arg-type]
    clip = clips.iloc[0]
    found = {path.name for path in (tmp_path / "CASME2-RAW" / "sub01" / "EP01_01f").iterdir()}
    assert found == {f"img{number}.jpg" for number in range(clip["onset"] - 2, clip["offset"] + 3)}
    assert clip["onset"] > 2
