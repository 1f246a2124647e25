"""Shares of activation inside regions: by hand on small maps, and what is left out of a class's mean."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from mer.action_units import ActionUnit
from mer.align.landmarks import Points
from mer.errors import MerError
from mer.explain.answers import Explanation
from mer.explain.grad_cam import BranchMaps
from mer.explain.regions import units_mask
from mer.explain.shares import class_table, records, share_inside, share_rows
from mer.models.cam import CellGrid
from mer.synth.portrait import load_portrait

SIZE_PX = 100
HALF = np.array([[True, False], [True, False]])


def clip(units: str = "R12", prediction: str = "happiness") -> pd.Series:
    names = {"dataset": "casme2", "subject": "sub01", "clip": "EP01", "label": "happiness"}
    return pd.Series(names | {"action_units": units, "prediction": prediction})


@pytest.fixture(scope="module")
def face() -> Points:
    points = load_portrait().landmarks
    return (points - points.min(0)) * np.float32(0.9 * SIZE_PX / np.ptp(points, axis=0).max())


def explained(heat: NDArray[np.float32], *reasons: str) -> Explanation:
    maps = torch.from_numpy(heat)[None]
    return Explanation(0, "happiness", reasons, BranchMaps(maps, (maps, 0 * maps), ("a", "b"), CellGrid(1, 0)))


def test_share_is_the_part_of_the_sum_inside() -> None:
    assert share_inside(np.array([[3.0, 1.0], [0.0, 0.0]]), HALF) == 0.75
    assert share_inside(np.ones((2, 2)), HALF) == HALF.mean()


def test_nothing_activated_has_no_share() -> None:
    assert np.isnan(share_inside(np.zeros((2, 2)), HALF))


@pytest.mark.parametrize("positive", [np.ones((2, 3)), -np.ones((2, 2))])
def test_other_maps_are_refused(positive: NDArray[np.float64]) -> None:
    with pytest.raises(MerError, match="without negative values"):
        share_inside(positive, HALF)


def test_an_even_map_has_the_regions_area_as_its_share(face: Points) -> None:
    rows = share_rows(
        explained(np.ones((SIZE_PX, SIZE_PX), np.float32), "true"),
        clip(),
        face,
        {"happiness": frozenset({ActionUnit(6)})},
    )
    assert [row["map"] for row in rows] == ["fused", "branch a", "branch b"]
    fused = rows[0]
    assert fused["share"] == pytest.approx(fused["area"])
    assert fused["area"] == units_mask(face, [ActionUnit(6)], SIZE_PX).mean()
    assert fused["area_coded"] == units_mask(face, [ActionUnit(12, side="R")], SIZE_PX).mean()
    assert np.isnan(rows[2]["share"])


def test_a_map_inside_the_coded_region_has_all_of_it(face: Points) -> None:
    heat = units_mask(face, [ActionUnit(12, side="R")], SIZE_PX).astype(np.float32)
    both = share_rows(explained(heat, "true", "predicted"), clip(), face, {})
    assert [(row["reason"], row["map"]) for row in both[::3]] == [("true", "fused"), ("predicted", "fused")]
    assert both[0]["share_coded"] == 1
    assert np.isnan(both[0]["share"])


@pytest.mark.parametrize("units", ["", "?", "38"])
def test_without_a_region_there_is_no_share(units: str, face: Points) -> None:
    (row, *_) = share_rows(explained(np.ones((SIZE_PX, SIZE_PX), np.float32), "true"), clip(units), face, {})
    assert np.isnan([row["share"], row["area"], row["share_coded"], row["area_coded"]]).all()


def test_without_landmarks_there_is_no_share() -> None:
    expected = {"happiness": frozenset({ActionUnit(6)})}
    rows = share_rows(explained(np.ones((4, 4), np.float32), "true"), clip(), None, expected)
    assert np.isnan([row["share"] for row in rows]).all()


def test_a_class_is_the_mean_of_the_clips_that_have_a_share() -> None:
    shares = [(0.2, 0.1, 0.5, 0.5), (0.4, 0.3, np.nan, np.nan), (np.nan, 0.9, np.nan, np.nan)]
    key = {"explained": "happiness", "reason": "true", "map": "fused"}
    columns = ("share", "area", "share_coded", "area_coded")
    rows = pd.DataFrame([key | dict(zip(columns, one, strict=True)) for one in shares])
    none = pd.DataFrame([key | {"explained": "others"} | dict.fromkeys(columns, np.nan)])
    (row, other) = records(class_table(pd.concat([rows, none])))
    assert row["n_clips"] == 2
    assert (row["share"], row["area"], row["times"]) == pytest.approx((0.3, 0.2, 1.5))
    assert (row["n_clips_coded"], row["times_coded"]) == (1, 1)
    assert (other["explained"], other["n_clips"], other["share"], other["times"]) == ("others", 0, None, None)
