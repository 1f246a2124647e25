"""One similarity transform a clip that puts the eyes at their place; image and landmarks travel together."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from mer.align import EyeCrop, FoundLandmarks, NoCrop, eye_centres
from mer.align.crop import compose, eye_transform, transform_points
from mer.errors import MerError
from tests.fakes import face_points

CLIP = pd.Series({"dataset": "casme2", "subject": "sub01", "clip": "EP01_01f"})


class FixedLandmarks:
    """The same landmarks for every clip."""

    def __init__(self, points: npt.NDArray[np.float32]) -> None:
        self.points = points

    def find(
        self, onsets: Sequence[npt.NDArray[np.uint8]], clips: Sequence[pd.Series]
    ) -> list[FoundLandmarks | MerError]:
        return [FoundLandmarks(self.points) for _ in onsets]

    def state(self, clip: pd.Series) -> Any:
        return "fixed"


def random_face(seed: int) -> npt.NDArray[np.float32]:
    """A face of random place, scale and rotation (up to a right angle either way)."""
    random = np.random.default_rng(seed)
    centre = (random.uniform(-200, 900), random.uniform(-200, 900))
    return face_points(seed, centre, random.uniform(5, 300), random.uniform(-math.pi / 2, math.pi / 2))


def dot(centre_px: npt.NDArray[np.float32], size: tuple[int, int] = (120, 160)) -> npt.NDArray[np.uint8]:
    """A black frame with one soft dot."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    distance = (columns - centre_px[0]) ** 2 + (rows - centre_px[1]) ** 2
    return np.repeat(np.round(250 * np.exp(-distance / 18)).astype(np.uint8)[..., None], 3, axis=2)


def centroid(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    weights = image[..., 0].astype(np.float64)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([np.average(columns, weights=weights), np.average(rows, weights=weights)])


@pytest.mark.parametrize("seed", range(20))
def test_eyes_land_at_their_place_whatever_the_pose(seed: int) -> None:
    points = random_face(seed)
    matrix = eye_transform(points, size_px=224, eye_distance=0.42, eye_height=0.35)
    first, second = eye_centres(transform_points(points, matrix))
    np.testing.assert_allclose(first, (111.5 - 0.21 * 224, 0.35 * 223), atol=2e-3)
    np.testing.assert_allclose(second, (111.5 + 0.21 * 224, 0.35 * 223), atol=2e-3)


@pytest.mark.parametrize(
    ("size_px", "eye_distance", "eye_height"), [(16, 0.3, 0.0), (112, 0.95, 1.0), (225, 0.05, 0.5)]
)
def test_eyes_land_where_the_settings_say(size_px: int, eye_distance: float, eye_height: float) -> None:
    aligner = EyeCrop(FixedLandmarks(random_face(0)), size_px, eye_distance, eye_height)
    points = aligner.align(np.zeros((48, 64, 3), np.uint8), CLIP).landmarks_px
    assert points is not None
    first, second = eye_centres(points)
    np.testing.assert_allclose(second - first, (eye_distance * size_px, 0), atol=1e-3)
    np.testing.assert_allclose((first + second) / 2, ((size_px - 1) / 2, eye_height * (size_px - 1)), atol=1e-3)


@pytest.mark.parametrize("seed", range(10))
def test_transform_has_one_scale_and_neither_shear_nor_reflection(seed: int) -> None:
    linear = eye_transform(random_face(seed), 224, 0.42, 0.35)[:, :2]
    scale = np.linalg.det(linear)
    assert scale > 0
    np.testing.assert_allclose(linear @ linear.T, scale * np.eye(2), rtol=1e-9, atol=1e-9 * scale)


def test_crop_of_a_moved_face_is_the_crop_of_the_face() -> None:
    still = transform_points(face_points(3), eye_transform(face_points(3), 64, 0.42, 0.35))
    moved = face_points(3, centre_px=(100, 80), eyes_px=37, angle=0.4)
    np.testing.assert_allclose(transform_points(moved, eye_transform(moved, 64, 0.42, 0.35)), still, atol=1e-3)


@pytest.mark.parametrize("landmark", [8, 30, 36, 48])
def test_landmarks_lie_on_the_image_content_that_they_marked(landmark: int) -> None:
    points = face_points(1, centre_px=(80, 60), eyes_px=40, angle=0.3)
    frame = dot(points[landmark])
    transform = EyeCrop(FixedLandmarks(points), size_px=200, eye_distance=0.3, eye_height=0.5).align(frame, CLIP)
    assert transform.landmarks_px is not None
    np.testing.assert_allclose(centroid(transform.apply(frame)), transform.landmarks_px[landmark], atol=0.1)


def test_later_frames_are_cropped_by_the_transform_of_the_onset_frame() -> None:
    points = face_points(1, centre_px=(80, 60), eyes_px=40)
    transform = EyeCrop(FixedLandmarks(points), size_px=200, eye_distance=0.3).align(dot(points[30]), CLIP)
    assert transform.landmarks_px is not None
    moved = transform.apply(dot(points[30] + np.float32(2)))
    scale = 0.3 * 200 / 40
    np.testing.assert_allclose(centroid(moved) - transform.landmarks_px[30], (2 * scale, 2 * scale), atol=0.1)


def test_crop_beyond_the_frame_repeats_its_border() -> None:
    frame = np.full((48, 64, 3), (10, 20, 30), np.uint8)
    transform = EyeCrop(FixedLandmarks(face_points(centre_px=(2, 2), eyes_px=20)), size_px=64).align(frame, CLIP)
    crop = transform.apply(frame)
    assert crop.shape == (64, 64, 3)
    assert (crop == (10, 20, 30)).all()


def test_eyes_at_one_place_are_refused() -> None:
    with pytest.raises(MerError, match=r"eyes apart from each other; got 0\.00 px; check the landmarks"):
        EyeCrop(FixedLandmarks(np.ones((68, 2), np.float32))).align(np.zeros((48, 64, 3), np.uint8), CLIP)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("size_px", 15), ("size_px", 64.5), ("eye_distance", 0.0), ("eye_distance", 1.0), ("eye_height", -0.1)],
)
def test_setting_out_of_bounds_is_refused(setting: str, value: float) -> None:
    with pytest.raises(MerError, match=rf"align\.{setting}"):
        EyeCrop(FixedLandmarks(face_points()), **{setting: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("setting", [{"size_px": 128}, {"eye_distance": 0.5}, {"eye_height": 0.4}, {"stabilise": True}])
def test_state_tells_every_setting_apart(setting: dict[str, Any]) -> None:
    landmarks = FixedLandmarks(face_points())
    assert EyeCrop(landmarks, **setting).crop_state() != EyeCrop(landmarks).crop_state()
    assert EyeCrop(landmarks, **setting).crop_state() == EyeCrop(landmarks, **setting).crop_state()
    assert EyeCrop(landmarks, **setting).landmark_state(CLIP) == EyeCrop(landmarks).landmark_state(CLIP)


@pytest.mark.parametrize(("height", "width"), [(48, 64), (64, 48), (20, 20), (480, 640)])
def test_no_crop_maps_the_corners_of_the_frame_onto_those_of_the_square(height: int, width: int) -> None:
    transform = NoCrop(size_px=32).align(np.zeros((height, width, 3), np.uint8), CLIP)
    # A pixel's centre has whole coordinates, so an image reaches from -0.5 to its side - 0.5.
    corners = np.array([(-0.5, -0.5), (width - 0.5, height - 0.5)], np.float32)
    np.testing.assert_allclose(transform_points(corners, transform.matrix), [(-0.5, -0.5), (31.5, 31.5)], atol=1e-4)
    assert transform.landmarks_px is None


def test_no_crop_keeps_a_frame_of_its_size_as_it_is() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    np.testing.assert_array_equal(NoCrop(32).align(frame, CLIP).apply(frame), frame)


def test_no_crop_halves_by_the_mean_of_four_pixels() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    mean = frame.reshape(16, 2, 16, 2, 3).astype(np.float64).mean(axis=(1, 3))
    np.testing.assert_allclose(NoCrop(16).align(frame, CLIP).apply(frame), mean, atol=1)


def test_no_crop_and_eye_crop_of_one_size_have_other_states() -> None:
    assert NoCrop(32).crop_state() != EyeCrop(FixedLandmarks(face_points()), 32).crop_state()
    assert NoCrop(32).crop_state() != NoCrop(64).crop_state()


def test_no_crop_refuses_a_size_that_is_too_small() -> None:
    with pytest.raises(MerError, match=r"align\.size_px"):
        NoCrop(15)


def test_crop_by_the_eyes_needs_landmarks() -> None:
    with pytest.raises(MerError, match=r"landmarks for the crop by the eyes; got none; set align=none"):
        EyeCrop(FixedLandmarks(face_points())).transform(None, (48, 64))


def test_clip_whose_landmarks_are_refused_cannot_be_aligned() -> None:
    class Refusing(FixedLandmarks):
        def find(self, onsets: Any, clips: Any) -> list[FoundLandmarks | MerError]:
            return [MerError("a face", "none", "look") for _ in onsets]

    with pytest.raises(MerError, match="expected a face"):
        EyeCrop(Refusing(face_points())).align(np.zeros((48, 64, 3), np.uint8), CLIP)


def test_landmarks_that_were_found_before_make_the_same_crop() -> None:
    frame, aligner = dot(np.float32([80, 60])), EyeCrop(FixedLandmarks(random_face(2)), 64)  # type: ignore[arg-type]
    (found,) = aligner.find([frame], [CLIP])
    assert isinstance(found, FoundLandmarks)
    np.testing.assert_array_equal(
        aligner.transform(found.points_px, (120, 160)).matrix, aligner.align(frame, CLIP).matrix
    )


def test_no_crop_needs_no_landmarks_and_takes_those_that_are_known() -> None:
    assert NoCrop(32).find([np.zeros((48, 64, 3), np.uint8)] * 2, [CLIP] * 2) == [None, None]
    points = NoCrop(32).transform(np.float32([[-0.5, -0.5], [63.5, 47.5]]), (48, 64)).landmarks_px  # type: ignore[arg-type]
    np.testing.assert_allclose(points, [(-0.5, -0.5), (31.5, 31.5)], atol=1e-4)


def test_composed_transform_applies_one_after_the_other() -> None:
    first, second = eye_transform(random_face(1), 64, 0.4, 0.4), eye_transform(random_face(2), 64, 0.4, 0.4)
    points = random_face(3)
    np.testing.assert_allclose(
        transform_points(points, compose(second, first)),
        transform_points(transform_points(points, first), second),
        rtol=1e-4,
        atol=1e-3,
    )


def test_correction_is_in_px_of_the_crop() -> None:
    points = face_points(1, centre_px=(80, 60), eyes_px=40, angle=0.3)
    aligner = EyeCrop(FixedLandmarks(points), size_px=200, eye_distance=0.3, eye_height=0.5)
    transform = aligner.align(dot(points[30]), CLIP)
    frame, shift = dot(points[30]), np.array([[1.0, 0.0, 3.0], [0.0, 1.0, -2.0]])
    moved = centroid(transform.apply(frame, shift)) - centroid(transform.apply(frame))
    np.testing.assert_allclose(moved, (3, -2), atol=0.02)
    np.testing.assert_array_equal(transform.apply(frame, np.eye(3)[:2]), transform.apply(frame))
