"""A blink closes both eyes and leaves the rest of the face."""

import cv2
import numpy as np
import pytest

from mer.synth.canvas import CANVAS_SHAPE, base_layers
from mer.synth.eyelids import CLOSURE, blink_field, blink_profile
from mer.synth.portrait import FloatArray
from mer.synth.render import enlarge, source_positions, warp_neutral


@pytest.fixture(scope="module")
def landmarks() -> FloatArray:
    return base_layers().landmarks


def test_upper_lid_comes_down_by_most_of_the_eyes_opening(landmarks: FloatArray) -> None:
    field = blink_field(landmarks, CANVAS_SHAPE)
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        x, y = np.round(landmarks[upper]).astype(int)
        opening = float(landmarks[lower, 1] - landmarks[upper, 1])
        assert field[1, y, x] == pytest.approx(CLOSURE * opening, abs=0.3 * opening)


def test_lower_lid_brow_and_the_rest_stay(landmarks: FloatArray) -> None:
    field = blink_field(landmarks, CANVAS_SHAPE)
    still = [*range(17), *range(17, 36), 36, 39, 42, 45, *range(48, 68)]
    x, y = np.round(landmarks[still]).astype(int).T
    assert np.abs(field[:, y, x]).max() < 0.6
    assert not field[0].any()
    eyes = landmarks[36:48]
    (left, top), (right, bottom) = eyes.min(0) - 22, eyes.max(0) + 2
    field[:, int(top) : int(bottom) + 1, int(left) : int(right) + 1] = 0
    assert not field.any()


def test_blink_can_be_undone_and_hides_the_eye(landmarks: FloatArray) -> None:
    field = blink_field(landmarks, CANVAS_SHAPE)
    x, y = source_positions(field)
    reached = cv2.remap(field[1], x, y, cv2.INTER_LINEAR)
    rows = np.mgrid[: CANVAS_SHAPE[0], : CANVAS_SHAPE[1]][0]
    assert np.abs(y + reached - rows).max() < 0.3
    face = base_layers().face
    closed = warp_neutral(enlarge(face), field)
    mask = np.zeros(CANVAS_SHAPE, np.uint8)
    cv2.fillPoly(mask, [np.round(landmarks[36:42]).astype(np.int32)], 1)
    changed = np.abs(closed - face).mean(-1)
    assert changed[mask > 0].mean() > 15 * changed[mask == 0].mean()


def test_profile_closes_once_and_opens_again() -> None:
    profile = blink_profile(30, 4, 10)
    assert not profile[:4].any()
    assert not profile[14:].any()
    assert (profile[4:14] > 0).all()
    assert profile.max() > 0.9
    assert np.sign(np.diff(profile[3:15])).tolist() == sorted(np.sign(np.diff(profile[3:15])), reverse=True)
