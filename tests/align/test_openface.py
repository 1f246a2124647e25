"""A folder of OpenFace's own CSVs, one a clip."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mer.align import FoundLandmarks, GivenLandmarks
from mer.errors import MerError
from tests.fakes import face_points, write_landmarks
from tests.fakes.landmarks import Points

FRAME = np.zeros((48, 64, 3), np.uint8)
CLIP = pd.Series({"dataset": "casme2", "subject": "sub01", "clip": "EP01_01f", "onset": 46})
Row = tuple[int, int, int, Points]


def write_openface(file: Path, rows: list[Row], without: str = "") -> Path:
    """Rows (frame, face_id, success, points) as OpenFace writes them: blanks in the header, further columns."""
    columns = ["frame", "face_id", "timestamp", "confidence", "success", "gaze_0_x"]
    columns += [f"{axis}_{point}" for axis in "xy" for point in range(68)]
    table = pd.DataFrame(
        [(frame, face, 0.0, 0.98, success, 0.1, *points[:, 0], *points[:, 1]) for frame, face, success, points in rows],
        columns=columns,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = [name for name in columns if name != without]
    lines = [" " + ", ".join(kept), *(", ".join(map(str, row)) for row in table[kept].to_numpy())]
    file.write_text("\n".join(lines) + "\n")
    return file


def found_in(folder: Path, frames: str | None = None) -> FoundLandmarks | MerError:
    return GivenLandmarks(folder, frames).find([FRAME], [CLIP])[0]


def points_in(folder: Path, frames: str | None = None) -> Points:
    found = found_in(folder, frames)
    assert isinstance(found, FoundLandmarks), found
    return found.points_px


@pytest.mark.parametrize("name", ["sub01/EP01_01f.csv", "sub01_EP01_01f.csv"])
def test_first_frame_of_the_clips_file_is_its_onset(tmp_path: Path, name: str) -> None:
    write_openface(tmp_path / name, [(2, 0, 1, face_points(2)), (1, 0, 1, face_points(1))])
    points = points_in(tmp_path)
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points, face_points(1))


def test_frames_of_the_datasets_numbers_are_found_by_the_onset(tmp_path: Path) -> None:
    write_openface(tmp_path / "sub01/EP01_01f.csv", [(1, 0, 1, face_points(1)), (46, 0, 1, face_points(2))])
    np.testing.assert_array_equal(points_in(tmp_path, "dataset"), face_points(2))


def test_largest_of_several_faces_is_taken(tmp_path: Path) -> None:
    small, large = face_points(1, eyes_px=10), face_points(2, eyes_px=30)
    write_openface(tmp_path / "sub01/EP01_01f.csv", [(1, 0, 1, small), (1, 1, 1, large), (2, 0, 1, small)])
    found = found_in(tmp_path)
    assert isinstance(found, FoundLandmarks)
    np.testing.assert_array_equal(found.points_px, large)
    assert found.remark == "2 faces, the largest taken"


def test_frame_on_which_openface_failed_refuses_its_clip(tmp_path: Path) -> None:
    write_openface(tmp_path / "sub01/EP01_01f.csv", [(1, 0, 0, face_points(1))])
    assert str(found_in(tmp_path)).startswith("expected a face in casme2/sub01/EP01_01f; got none on its onset frame;")


def test_clip_without_a_file_is_refused_and_has_no_state(tmp_path: Path) -> None:
    assert "landmarks of casme2/sub01/EP01_01f frame 46; got no such row" in str(found_in(tmp_path))
    assert GivenLandmarks(tmp_path).state(CLIP) is None


def test_file_without_points_names_openfaces_option(tmp_path: Path) -> None:
    write_openface(tmp_path / "sub01/EP01_01f.csv", [(1, 0, 1, face_points(1))], without="x_7")
    assert "columns frame, x_0..x_67, y_0..y_67; got no x_7; fix" in str(found_in(tmp_path))
    assert "-2Dfp" in str(found_in(tmp_path))
    assert GivenLandmarks(tmp_path).state(CLIP) is None


def test_clip_in_two_folders_is_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_openface(tmp_path / folder / "sub01/EP01_01f.csv", [(1, 0, 1, face_points(1))])
    (found,) = GivenLandmarks([tmp_path / "a", tmp_path / "b"]).find([FRAME], [CLIP])
    assert "landmarks of casme2/sub01/EP01_01f once; got 2 times" in str(found)


def test_folder_and_file_serve_each_its_clips(tmp_path: Path) -> None:
    write_openface(tmp_path / "openface/sub01/EP01_01f.csv", [(1, 0, 1, face_points(1))])
    write_landmarks(tmp_path / "landmarks.csv", [("s1", "s1_ne_01", 7, face_points(2))])
    other = pd.Series({"dataset": "smic", "subject": "s1", "clip": "s1_ne_01", "onset": 7})
    landmarks = GivenLandmarks([tmp_path / "openface", tmp_path / "landmarks.csv"])
    first, second = landmarks.find([FRAME] * 2, [CLIP, other])
    assert isinstance(first, FoundLandmarks)
    assert isinstance(second, FoundLandmarks)
    np.testing.assert_array_equal(first.points_px, face_points(1))
    np.testing.assert_array_equal(second.points_px, face_points(2))


def test_state_is_that_of_the_onset_frame_alone(tmp_path: Path) -> None:
    file = tmp_path / "sub01/EP01_01f.csv"
    states = []
    for onset, later in ((1, 2), (1, 3), (4, 3)):
        write_openface(file, [(1, 0, 1, face_points(onset)), (2, 0, 1, face_points(later))])
        states.append(GivenLandmarks(tmp_path).state(CLIP))
    assert states[0] == states[1] != states[2]
