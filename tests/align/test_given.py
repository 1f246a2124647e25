"""GivenLandmarks reads a clip's row of a CSV, and says which row or cell is wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mer.align import FoundLandmarks, GivenLandmarks
from mer.errors import MerError
from tests.fakes import face_points, write_landmarks
from tests.fakes.landmarks import Points

FRAME = np.zeros((48, 64, 3), np.uint8)


def clip(subject: str = "sub01", name: str = "EP01_01f", onset: int = 8) -> pd.Series:
    return pd.Series({"dataset": "casme2", "subject": subject, "clip": name, "onset": onset})


def points_of(landmarks: GivenLandmarks, of: pd.Series) -> Points:
    """The points of a clip, its refusal raised."""
    (found,) = landmarks.find([FRAME], [of])
    if isinstance(found, MerError):
        raise found
    return found.points_px


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """Landmarks of three clips, the first at two frames."""
    rows = [("sub02", "EP01_01f", 8, face_points(1)), ("sub01", "EP01_01f", 9, face_points(2))]
    write_landmarks(tmp_path / "landmarks.csv", [*rows, ("sub01", "EP01_01f", 8, face_points(3))])
    return tmp_path / "landmarks.csv"


def rewrite(csv: Path, column: str, values: list[str]) -> None:
    pd.read_csv(csv, dtype=str).assign(**{column: values}).to_csv(csv, index=False)


def test_row_of_the_onset_frame_is_read_as_x_and_y(csv: Path) -> None:
    points = points_of(GivenLandmarks(csv), clip())
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points, face_points(3))


def test_subject_that_looks_like_a_number_stays_text(tmp_path: Path) -> None:
    write_landmarks(tmp_path / "a.csv", [("006", "006_1_2", 8, face_points(1))])
    np.testing.assert_array_equal(points_of(GivenLandmarks(tmp_path / "a.csv"), clip("006", "006_1_2")), face_points(1))


def test_further_columns_are_left_alone(csv: Path) -> None:
    rewrite(csv, "confidence", ["high", "low", "high"])
    np.testing.assert_array_equal(points_of(GivenLandmarks(csv), clip()), face_points(3))


@pytest.mark.parametrize("absent", [clip(subject="sub03"), clip(name="EP02_01f"), clip(onset=10)])
def test_clip_without_its_row_is_refused(csv: Path, absent: pd.Series) -> None:
    landmarks = GivenLandmarks(csv)
    with pytest.raises(MerError, match=rf"{absent['clip']} frame {absent['onset']}; got no such row in .*landmarks"):
        points_of(landmarks, absent)
    assert landmarks.state(absent) is None


@pytest.mark.parametrize("cell", ["", "nan", "-", "12,5", "inf"])
def test_cell_without_a_number_refuses_its_clip_alone(csv: Path, cell: str) -> None:
    rewrite(csv, "y_67", [cell, "1.0", "2.0"])
    landmarks = GivenLandmarks(csv)
    with pytest.raises(MerError, match="68 points for casme2/sub02/EP01_01f; got cells without a number"):
        points_of(landmarks, clip(subject="sub02"))
    assert points_of(landmarks, clip())[67, 1] == 2
    assert landmarks.state(clip(subject="sub02")) is not None


@pytest.mark.parametrize("column", ["subject", "clip", "frame", "x_0", "y_67"])
def test_missing_column_is_named(csv: Path, column: str) -> None:
    pd.read_csv(csv).drop(columns=column).to_csv(csv, index=False)
    with pytest.raises(MerError, match=rf"columns subject, clip, frame, .*; got no {column}; fix"):
        points_of(GivenLandmarks(csv), clip())


def test_frame_given_twice_is_refused(csv: Path) -> None:
    rewrite(csv, "frame", ["8", "8", "8"])
    with pytest.raises(MerError, match="one row a frame; got sub01 EP01_01f 8 twice"):
        points_of(GivenLandmarks(csv), clip())


@pytest.mark.parametrize("frame", ["", "8.5", "onset"])
def test_frame_that_is_no_whole_number_is_refused(csv: Path, frame: str) -> None:
    rewrite(csv, "frame", [frame, "9", "8"])
    with pytest.raises(MerError, match="a CSV of landmarks"):
        points_of(GivenLandmarks(csv), clip())


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2,3\n1,2,3,4,5\n", b"subject,\xff\xfe\n"])
def test_file_that_is_no_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "landmarks.csv").write_bytes(content)
    with pytest.raises(MerError, match="a CSV of landmarks"):
        points_of(GivenLandmarks(tmp_path / "landmarks.csv"), clip())


@pytest.mark.parametrize("path", [None, "absent.csv"])
def test_missing_file_names_the_other_ways(path: str | None) -> None:
    with pytest.raises(MerError, match=rf"no file {path}; set align\.landmarks\.path=FILE, or align=dlib"):
        points_of(GivenLandmarks(path), clip())


def test_state_is_that_of_the_clips_own_row(csv: Path) -> None:
    before = [GivenLandmarks(csv).state(clip(subject)) for subject in ("sub01", "sub02")]
    rewrite(csv, "x_5", ["1.5", "0", pd.read_csv(csv, dtype=str)["x_5"].iloc[2]])
    after = [GivenLandmarks(csv).state(clip(subject)) for subject in ("sub01", "sub02")]
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_clip_that_is_refused_does_not_stop_the_others(csv: Path) -> None:
    first, refused, last = GivenLandmarks(csv).find([FRAME] * 3, [clip(), clip("sub03"), clip("sub02")])
    assert isinstance(refused, MerError)
    assert isinstance(first, FoundLandmarks)
    assert isinstance(last, FoundLandmarks)
    np.testing.assert_array_equal(first.points_px, face_points(3))
    np.testing.assert_array_equal(last.points_px, face_points(1))


def test_frames_counted_from_one_at_onset_are_found_whatever_the_onset(tmp_path: Path) -> None:
    write_landmarks(tmp_path / "a.csv", [("sub01", "EP01_01f", 1, face_points(1))])
    np.testing.assert_array_equal(points_of(GivenLandmarks(tmp_path / "a.csv", "clip"), clip(onset=46)), face_points(1))
    with pytest.raises(MerError, match=r"set align\.landmarks\.frames to how frames are counted"):
        points_of(GivenLandmarks(tmp_path / "a.csv"), clip(onset=46))


def test_unknown_count_of_frames_is_refused(csv: Path) -> None:
    with pytest.raises(MerError, match=r"align\.landmarks\.frames to be one of clip, dataset; got 'video'"):
        GivenLandmarks(csv, "video")
