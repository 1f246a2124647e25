"""Subjects are different people in front of different walls, and the same one for the same seed."""

import cv2
import numpy as np
import pandas as pd
import pytest

from mer.align import DlibLandmarks, FoundLandmarks
from mer.synth.canvas import CANVAS_SHAPE
from mer.synth.identity import Subject, make_subject
from mer.synth.portrait import FloatArray, eye_distance_px


@pytest.fixture(scope="module")
def subjects() -> list[Subject]:
    return [make_subject(np.random.SeedSequence(0, spawn_key=(number,))) for number in range(1, 7)]


def cheek_grey(subject: Subject) -> float:
    x, y = np.round((subject.landmarks[41] + subject.landmarks[31]) / 2).astype(int)
    return float(subject.neutral[y - 6 : y + 7, x - 6 : x + 7].mean())


def face(subject: Subject) -> FloatArray:
    """Face between the brows and the chin in grey, its mean and contrast taken out, its eyes at a fixed place."""
    left, right = subject.landmarks[36:42].mean(0), subject.landmarks[42:48].mean(0)
    across = (right - left) / 60
    matrix = np.array([[across[0], -across[1], 0.0], [across[1], across[0], 0.0]])
    matrix[:, 2] = left - matrix[:, :2] @ (20, 20)
    grey = cv2.cvtColor(subject.neutral, cv2.COLOR_BGR2GRAY)
    crop = cv2.warpAffine(grey, matrix, (100, 100), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray((crop - crop.mean()) / crop.std(), np.float32)


def test_same_seed_makes_the_same_subject(subjects: list[Subject]) -> None:
    again = make_subject(np.random.SeedSequence(0, spawn_key=(1,)))
    np.testing.assert_array_equal(again.neutral, subjects[0].neutral)
    np.testing.assert_array_equal(again.landmarks, subjects[0].landmarks)
    assert again.unit_gains == subjects[0].unit_gains


def test_subjects_differ_in_skin_tone(subjects: list[Subject]) -> None:
    greys = [cheek_grey(subject) for subject in subjects]
    assert max(greys) > 1.7 * min(greys)


def test_no_two_faces_look_alike_even_with_light_and_place_taken_out(subjects: list[Subject]) -> None:
    faces = [face(subject) for subject in subjects]
    apart = [np.abs(a - b).mean() for number, a in enumerate(faces) for b in faces[:number]]
    assert min(apart) > 0.3


def test_neutral_is_a_picture_that_is_neither_dark_nor_burnt_out(subjects: list[Subject]) -> None:
    for subject in subjects:
        assert subject.neutral.shape == (*CANVAS_SHAPE, 3)
        assert subject.neutral.min() >= 0
        assert subject.neutral.max() <= 255
        assert 35 < cheek_grey(subject) < 245


def test_landmarks_are_where_an_independent_detector_finds_them(subjects: list[Subject]) -> None:
    pytest.importorskip("dlib")
    pytest.importorskip("face_recognition_models")
    clip = pd.Series({"dataset": "casme2", "subject": "sub01", "clip": "EP01_01f", "onset": 1})
    frames = [np.ascontiguousarray(one.neutral[70:550, 100:740, ::-1].astype(np.uint8)) for one in subjects]
    for subject, found in zip(subjects, DlibLandmarks().find(frames, [clip] * len(frames)), strict=True):
        assert isinstance(found, FoundLandmarks)
        apart = np.linalg.norm(found.points_px + np.array([100, 70]) - subject.landmarks, axis=1) / eye_distance_px(
            subject.landmarks
        )
        assert apart.mean() < 0.1
        assert apart[36:48].mean() < 0.04


def test_the_lips_seam_is_dark_where_the_landmarks_say(subjects: list[Subject]) -> None:
    for subject in subjects:
        grey = cv2.GaussianBlur(cv2.cvtColor(subject.neutral, cv2.COLOR_BGR2GRAY), (0, 0), 1.0)
        x, y = np.round(subject.landmarks[[62, 66]].mean(0)).astype(int)
        column = grey[y - 8 : y + 9, x - 4 : x + 5].mean(1)
        assert column[5:12].min() < 0.97 * column[[0, 1, 15, 16]].max()
