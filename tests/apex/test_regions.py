"""Boxes around landmarks, and the fixed ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mer.synth
from mer.align.crop import eye_transform, transform_points
from mer.apex.regions import BROWS_AND_MOUTH, EYES_AND_MOUTH, EYES_AND_NOSE, Box, Region, require_regions
from mer.errors import MerError

SIZE_PX = 224


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    """Landmarks of the synthetic clips' portrait, on a crop by its eyes."""
    table = pd.read_csv(Path(mer.synth.__file__).parent / "portrait_landmarks.csv")
    points = table[["x", "y"]].to_numpy(np.float32)
    return transform_points(points, eye_transform(points, SIZE_PX, 0.42, 0.35))


def area(box: Box) -> int:
    return max(0, box.bottom - box.top) * max(0, box.right - box.left)


def overlap(one: Box, other: Box) -> float:
    top, left = max(one.top, other.top), max(one.left, other.left)
    common = area(Box(top, min(one.bottom, other.bottom), left, min(one.right, other.right)))
    return common / (area(one) + area(other) - common)


@pytest.mark.parametrize("region", [*EYES_AND_MOUTH, *BROWS_AND_MOUTH, EYES_AND_NOSE])
def test_fixed_regions_lie_where_a_crop_by_the_eyes_has_them(region: Region, portrait: np.ndarray) -> None:
    assert overlap(region.box(portrait, SIZE_PX), region.box(None, SIZE_PX)) > 0.5


def test_brows_and_mouth_hold_no_point_of_the_eyes(portrait: np.ndarray) -> None:
    for box in (region.box(portrait, SIZE_PX) for region in BROWS_AND_MOUTH):
        x, y = portrait[36:48].T
        assert not ((box.left <= x) & (x < box.right) & (box.top <= y) & (y < box.bottom)).any()


def test_a_box_holds_its_landmarks_and_the_margin(portrait: np.ndarray) -> None:
    points = np.zeros((68, 2), np.float32)
    points[[1, 2]] = (10, 20), (30, 60)
    assert Region((1, 2), (0.1, 0.25), (0, 0, 1, 1)).box(points, 100) == Box(10, 71, 8, 33)


def test_a_box_ends_where_the_crop_does() -> None:
    points = np.zeros((68, 2), np.float32)
    points[[1, 2]] = (-10, 20), (30, 160)
    assert Region((1, 2), (0, 0), (0, 0, 1, 1)).box(points, 100) == Box(20, 100, 0, 31)


def test_regions_beside_the_crop_are_refused() -> None:
    points = np.full((68, 2), 300, np.float32)
    with pytest.raises(MerError, match=r"the region of landmarks 48 to 67; got 0x0 px of it on a crop of 224"):
        EYES_AND_MOUTH[2].box(points, SIZE_PX)


def test_fixed_regions_are_taken_where_they_are_allowed_alone() -> None:
    assert require_regions(None, fixed_regions=True) is None
    with pytest.raises(MerError, match=r"got none; .*apex\.fixed_regions=true"):
        require_regions(None, fixed_regions=False)
