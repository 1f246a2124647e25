"""Backdrop, clothes, glasses and light lie where they belong."""

import numpy as np
import pytest

from mer.synth.canvas import CANVAS_SHAPE, base_layers
from mer.synth.scene import backdrop, clothes, glasses, shading


@pytest.mark.parametrize("seed", range(4))
def test_clothes_lie_below_the_chin(seed: int) -> None:
    points = base_layers().landmarks
    light, share = clothes(points, np.random.default_rng(seed))
    assert light.min() >= 0
    assert not share[: int(points[8, 1])].any()
    assert share[-1, int(points[8, 0])] == 1


def test_rims_go_round_the_eyes_and_not_through_the_pupils() -> None:
    points = base_layers().landmarks
    share = glasses(points, np.random.default_rng(1))
    for first in (36, 42):
        x, y = np.round(points[first : first + 6].mean(0)).astype(int)
        assert share[y - 5 : y + 6, x - 8 : x + 9].max() < 0.05
        assert share[y : y + 45, x].max() > 0.5


def test_light_from_one_side_brightens_that_side() -> None:
    points = base_layers().landmarks
    right, left = points[2], points[14]
    sides = []
    for seed in range(6):
        shade = shading(points, np.random.default_rng(seed))
        assert shade.shape == CANVAS_SHAPE
        assert 0.1 < shade.min() <= shade.max() < 2
        at = [shade[round(float(y)), round(float(x))] for x, y in (right * 0.7 + left * 0.3, right * 0.3 + left * 0.7)]
        sides.append(at[0] / at[1])
    assert min(sides) < 0.9 < 1.1 < max(sides)


def test_backdrops_differ_in_brightness() -> None:
    means = [backdrop(np.random.default_rng(seed)).mean() for seed in range(6)]
    assert max(means) > 2 * min(means)
