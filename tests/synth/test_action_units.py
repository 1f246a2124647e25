"""Action units move the right places in the right directions, as strongly as asked."""

import numpy as np
import pytest

from mer.synth.action_units import ACTION_UNITS, action_unit_field, expression_field
from mer.synth.canvas import base_layers
from mer.synth.portrait import MIRROR_ORDER, FloatArray

SHAPE = (640, 850)


@pytest.fixture(scope="module")
def landmarks() -> FloatArray:
    return base_layers().landmarks


def at(field: FloatArray, point: FloatArray) -> FloatArray:
    x, y = np.round(point).astype(int)
    return np.asarray(field[:, y, x])


@pytest.mark.parametrize(
    ("unit", "landmark", "right", "down"),
    [
        (1, 21, 0, -1),
        (2, 18, 0, -1),
        (4, 21, 1, 1),
        (5, 37, 0, -1),
        (6, 41, 0, -1),
        (7, 41, 0, -1),
        (9, 31, 0, -1),
        (10, 50, 0, -1),
        (12, 48, -1, -1),
        (14, 48, -1, 0),
        (15, 48, 0, 1),
        (17, 57, 0, -1),
        (18, 48, 1, 0),
        (20, 48, -1, 0),
        (23, 48, 1, 0),
        (24, 57, 0, -1),
        (25, 57, 0, 1),
        (26, 8, 0, 1),
    ],
)
def test_unit_moves_its_landmark_as_anatomy_says(
    landmarks: FloatArray, unit: int, landmark: int, right: int, down: int
) -> None:
    """Landmarks of the subject's right side, which lies on the image's left."""
    u, v = at(action_unit_field(unit, landmarks, (1.0, 1.0), SHAPE), landmarks[landmark])
    assert v * down > 0.4 if down else abs(v) < 0.25
    assert u * right > 0.3 if right else abs(u) < 0.25


def test_every_unit_is_tested_above() -> None:
    tested = test_unit_moves_its_landmark_as_anatomy_says.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {case[0] for case in tested} == set(ACTION_UNITS)


def test_lips_part_and_press_in_opposite_directions(landmarks: FloatArray) -> None:
    def gap(unit: int) -> float:
        field = action_unit_field(unit, landmarks, (1.0, 1.0), SHAPE)
        return float((at(field, landmarks[57]) - at(field, landmarks[51]))[1])

    assert gap(25) > 0.8
    assert gap(24) < -0.8


@pytest.mark.parametrize("unit", sorted(ACTION_UNITS))
def test_peak_is_exactly_as_asked_for(landmarks: FloatArray, unit: int) -> None:
    field = expression_field({unit: (0.8, 1.2)}, landmarks, 0.7, SHAPE)
    assert np.hypot(*field).max() == pytest.approx(0.7, rel=1e-5)


@pytest.mark.parametrize("unit", sorted(ACTION_UNITS))
def test_unit_mirrors_with_the_face(landmarks: FloatArray, unit: int) -> None:
    mirrored = landmarks[list(MIRROR_ORDER)] * [-1, 1] + [SHAPE[1] - 1, 0]
    field = action_unit_field(unit, landmarks, (0.5, 1.5), SHAPE)
    other = action_unit_field(unit, mirrored.astype(np.float32), (1.5, 0.5), SHAPE)
    np.testing.assert_allclose(other[0], -field[0, :, ::-1], atol=1e-4)
    np.testing.assert_allclose(other[1], field[1, :, ::-1], atol=1e-4)


def test_gain_of_one_side_leaves_the_other_side_still(landmarks: FloatArray) -> None:
    field = action_unit_field(12, landmarks, (1.0, 0.0), SHAPE)
    assert np.abs(at(field, landmarks[54])).max() < 0.01 < np.abs(at(field, landmarks[48])).max()
