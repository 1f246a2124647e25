"""A face is found whole, followed where it is, and lost where it is not."""

import cv2
import numpy as np
import pandas as pd
import pytest

from mer.align import FoundLandmarks
from mer.predict.face import SIZE_PX, FaceWindow, box_of, find_face, match, overlap
from tests.predict.faces import FixedLandmarks, frames, moved, points


def smooth(side: int, seed: int = 0) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 50, (side, side)), (0, 0), 3), np.float32)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (2.0, -1.0), (0.5, 1.25), (-3.4, 3.1)])
def test_shift_is_found_between_px(shift: tuple[float, float]) -> None:
    first = smooth(64)
    there = cv2.warpAffine(first, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), (64, 64), flags=cv2.INTER_CUBIC)
    likeness, found = match(first, np.asarray(there, np.float32))
    np.testing.assert_allclose(found, shift, atol=0.15)
    assert likeness > 0.85


def test_another_picture_is_not_like() -> None:
    assert match(smooth(64), smooth(64, seed=1))[0] < 0.5


def test_overlap_is_intersection_over_union() -> None:
    box = np.array([0, 0, 10, 10], np.float32)
    assert overlap(box, box) == 1
    assert overlap(box, box + np.array([5, 0, 5, 0], np.float32)) == pytest.approx(1 / 3)
    assert overlap(box, box + 20) == 0


def test_face_mostly_beyond_the_edge_is_none() -> None:
    image = frames([], [0.0])[0]
    assert find_face(FixedLandmarks(), image, "v", 0) is not None
    gone = points() - (points()[:, 0].max() - 20, 0)
    assert find_face(FixedLandmarks(points_px=np.asarray(gone, np.float32)), image, "v", 0) is None
    assert find_face(FixedLandmarks(), np.zeros_like(image), "v", 0) is None


def test_source_is_told_which_frame_it_sees() -> None:
    class Telling(FixedLandmarks):
        def find(self, onsets: object, clips: list[pd.Series]) -> list[FoundLandmarks]:  # type: ignore[override]
            assert (clips[0]["subject"], clips[0]["onset"]) == ("talk", 7)
            return [FoundLandmarks(points())]

    face = find_face(Telling(), frames([], [0.0])[0], "talk", 7)
    assert face is not None
    np.testing.assert_array_equal(face.box_px, box_of(points()))


def test_box_follows_the_head_and_ends_where_it_is_too_far() -> None:
    image = frames([], [0.0])[0]
    face = find_face(FixedLandmarks(), image, "v", 0)
    assert face is not None
    window = FaceWindow(face, image, 0.0)
    assert window.crop(image).shape == (SIZE_PX, SIZE_PX)
    there = np.clip(moved([], 0.0, shift_px=3.0), 0, 255).astype(np.uint8)
    box = window.follow(window.crop(there))
    assert box is not None
    np.testing.assert_allclose(box - face.box_px, [3, 0, 3, 0], atol=0.6)
    far = np.clip(moved([], 0.0, shift_px=15.0), 0, 255).astype(np.uint8)
    assert window.follow(window.crop(far)) is None
    assert window.follow(window.crop(np.ascontiguousarray(image[::-1]))) is None
    assert window.follow(window.crop(np.full_like(image, 90))) is None


def test_landmarks_lie_on_the_crop_as_on_the_frame() -> None:
    image = np.zeros((200, 180, 3), np.uint8)
    x, y = (int(value) for value in np.rint(points()[30]))
    cv2.circle(image, (x, y), 3, (255, 255, 255), cv2.FILLED)
    face = find_face(FixedLandmarks(), image + 30, "v", 0)
    assert face is not None
    window = FaceWindow(face, image, 0.0)
    rows, columns = np.nonzero(window.crop(image) > 128)
    np.testing.assert_allclose([columns.mean(), rows.mean()], window.points_px[30], atol=0.8)


def test_landmarks_on_the_crop_are_exact_to_a_fraction_of_a_px() -> None:
    errors = []
    for first, slope in ((0.0, 1.4), (250.0, -1.4)):  # rounding up to whole grey levels moves them opposite ways
        values = first + slope * np.arange(180, dtype=np.float32)
        ramp = np.broadcast_to(np.rint(values)[None, :, None], (200, 180, 3)).astype(np.uint8)
        face = find_face(FixedLandmarks(), ramp, "v", 0)
        assert face is not None
        window = FaceWindow(face, ramp, 0.0)
        x, y = window.points_px.T
        there = cv2.remap(window.crop(ramp).astype(np.float32), x[None], y[None], cv2.INTER_LINEAR)[0]
        inside = ((window.points_px > 1) & (window.points_px < SIZE_PX - 2)).all(axis=1)
        assert inside.sum() > 30
        errors.append(float(((there - first) / slope - points()[:, 0])[inside].mean()))
    assert np.mean(errors) == pytest.approx(0, abs=0.05)


def test_what_is_hardly_like_the_face_is_not_followed_though_it_is_at_its_place() -> None:
    image = frames([], [0.0])[0]
    face = find_face(FixedLandmarks(), image, "v", 0)
    assert face is not None
    window = FaceWindow(face, image, 0.0)
    crop, other = window.crop(image).astype(np.float32), smooth(SIZE_PX, seed=3)
    for share, is_followed in ((0.9, True), (0.3, False)):
        mixed = 128 + 40 * (share * (crop - crop.mean()) / crop.std() + (1 - share) * other / other.std())
        assert (window.follow(np.clip(mixed, 0, 255).astype(np.uint8)) is not None) == is_followed
        shift = match(cv2.resize(crop, (64, 64)), cv2.resize(np.asarray(mixed, np.float32), (64, 64)))[1]
        assert np.abs(shift).max() < 3  # of 3.8 that would be too far


def test_box_is_larger_than_the_landmarks_by_a_margin_of_their_extent() -> None:
    corners = np.array([[10, 20], [50, 100]], np.float32)
    np.testing.assert_allclose(box_of(np.repeat(corners, 34, axis=0)), [4, 8, 56, 112])


def test_neighbouring_crops_are_averaged() -> None:
    image = frames([], [0.0])[0]
    face = find_face(FixedLandmarks(), image, "v", 0)
    assert face is not None
    window = FaceWindow(face, image, 0.0)
    dark, light = np.full((SIZE_PX, SIZE_PX), 10, np.uint8), np.full((SIZE_PX, SIZE_PX), 21, np.uint8)
    window.add([dark, light], [1.0, 1.5])
    assert window.crops[0][0, 0] == 16
    assert window.seconds == [1.25]
