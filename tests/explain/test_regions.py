"""Regions of action units on a real face: what lies in them, on which side, and that they move with the face."""

import math

import cv2
import numpy as np
import pytest
from matplotlib.path import Path as Outline

from mer.action_units import ActionUnit
from mer.align.crop import eye_transform, transform_points
from mer.align.landmarks import Points
from mer.errors import MerError
from mer.explain.regions import REGIONS, unit_polygons, units_mask
from mer.synth.portrait import MIRROR_ORDER, load_portrait

SIZE_PX = 224
TABLE_2 = (1, 2, 4, 5, 6, 10, 12, 15)
# What the unit moves, and what it leaves alone: the landmarks on the right side of the face.
INSIDE = {1: 21, 2: 18, 4: 19, 5: 38, 6: 2, 7: 37, 9: 31, 10: 50, 12: 48, 14: 48, 15: 48, 17: 58, 23: 58, 24: 50}
OUTSIDE = {1: 18, 2: 21, 4: 37, 5: 19, 6: 37, 7: 19, 9: 36, 10: 57, 12: 31, 14: 51, 15: 31, 17: 50, 23: 33, 24: 33}


@pytest.fixture(scope="module")
def face() -> Points:
    """The portrait's landmarks on an aligned crop."""
    points = load_portrait().landmarks
    return transform_points(points, eye_transform(points, SIZE_PX, 0.42, 0.35))


def holds(polygons: list[Points], point: Points) -> bool:
    return any(Outline(corners).contains_point(point, radius=1e-6) for corners in polygons)


@pytest.mark.parametrize("unit", [number for number in INSIDE if number != 6])
def test_a_unit_moves_its_part_of_the_face(unit: int, face: Points) -> None:
    polygons = unit_polygons(face, ActionUnit(unit))
    assert len(polygons) == 2
    for number in (INSIDE[unit], MIRROR_ORDER[INSIDE[unit]]):
        assert holds(polygons, face[number] * 0.98 + 0.02 * np.mean([one.mean(0) for one in polygons], axis=0))
    assert not holds(polygons, face[OUTSIDE[unit]])
    assert not holds(polygons, face[MIRROR_ORDER[OUTSIDE[unit]]])


def test_the_cheek_is_raised_below_the_eye(face: Points) -> None:
    below = face[41] + np.float32([0, 0.12 * SIZE_PX])
    assert holds(unit_polygons(face, ActionUnit(6)), below)
    assert not holds(unit_polygons(face, ActionUnit(12)), below)


@pytest.mark.parametrize("unit", REGIONS)
def test_left_is_the_mirror_image_of_right(unit: int, face: Points) -> None:
    mirrored = face[list(MIRROR_ORDER)]
    mirrored[:, 0] = SIZE_PX - 1 - mirrored[:, 0]
    (right,) = unit_polygons(mirrored, ActionUnit(unit, side="R"))
    (left,) = unit_polygons(face, ActionUnit(unit, side="L"))
    right[:, 0] = SIZE_PX - 1 - right[:, 0]
    np.testing.assert_allclose(right, left, atol=1e-3)


def test_a_side_of_the_face_is_that_of_the_person(face: Points) -> None:
    """A face looks at us: its right side is at the image's left."""
    right, left = (units_mask(face, [ActionUnit(12, side=side)], SIZE_PX) for side in "RL")
    assert right[:, : SIZE_PX // 2].sum() == right.sum() > 0
    assert left[:, SIZE_PX // 2 :].sum() == left.sum() > 0
    np.testing.assert_array_equal(units_mask(face, [ActionUnit(12)], SIZE_PX), right | left)


@pytest.mark.parametrize("unit", TABLE_2)
def test_regions_of_table_2_lie_inside_the_crop(unit: int, face: Points) -> None:
    corners = np.concatenate(unit_polygons(face, ActionUnit(unit)))
    assert corners.min() >= 0
    assert corners.max() <= SIZE_PX
    assert 0.02 < units_mask(face, [ActionUnit(unit)], SIZE_PX).mean() < 0.15


@pytest.mark.parametrize("unit", REGIONS)
def test_mask_holds_the_px_inside_the_polygons(unit: int, face: Points) -> None:
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX]
    places = np.stack([x.ravel(), y.ravel()], axis=1)
    inside = np.any([Outline(one).contains_points(places) for one in unit_polygons(face, ActionUnit(unit))], axis=0)
    truth = inside.reshape(SIZE_PX, SIZE_PX).astype(np.uint8)
    smallest, largest = (change(truth, np.ones((5, 5), np.uint8)) > 0 for change in (cv2.erode, cv2.dilate))
    mask = units_mask(face, [ActionUnit(unit)], SIZE_PX)
    assert smallest.sum() > 200
    assert mask[smallest].all()
    assert not mask[~largest].any()


def test_regions_turn_and_grow_with_the_face(face: Points) -> None:
    turn = 1.7 * np.array([[math.cos(0.4), -math.sin(0.4)], [math.sin(0.4), math.cos(0.4)]])
    moved = np.asarray(face @ turn.T + [30, -12], np.float32)
    for unit in REGIONS:
        for before, after in zip(
            unit_polygons(face, ActionUnit(unit)), unit_polygons(moved, ActionUnit(unit)), strict=True
        ):
            np.testing.assert_allclose(after, before @ turn.T + [30, -12], atol=1e-2)


def test_units_without_a_region_have_none(face: Points) -> None:
    assert unit_polygons(face, ActionUnit(38)) == []
    assert not units_mask(face, [ActionUnit(38)], SIZE_PX).any()


@pytest.mark.parametrize("points", [np.zeros((5, 2), np.float32), np.full((68, 2), np.nan, np.float32)])
def test_other_landmarks_are_refused(points: Points) -> None:
    with pytest.raises(MerError, match="68 landmarks"):
        unit_polygons(points, ActionUnit(1))
