"""Hair: it stays above the hairline and near the skull; a beardless chin is never covered."""

import numpy as np
import pytest

from mer.synth.canvas import CANVAS_SHAPE, base_layers
from mer.synth.hair import COLOURS_RGB, brow_share, random_hair


@pytest.mark.parametrize("seed", range(8))
def test_hair_leaves_eyes_nose_and_mouth_free(seed: int) -> None:
    base = base_layers()
    hair, _ = random_hair(base, 0.5, np.random.default_rng(seed))
    x, y = np.round(base.landmarks[[*range(27, 68), *range(5, 12)]]).astype(int).T
    assert hair.share[y, x].max() < 0.05


def test_dark_skin_comes_with_dark_or_grey_hair() -> None:
    rng = np.random.default_rng(0)
    colours = np.array([random_hair(base_layers(), 1.0, rng)[1] for _ in range(8)])
    assert (np.ptp(colours, axis=1) < 0.05).all()


def test_haircuts_differ() -> None:
    areas = [random_hair(base_layers(), 0.2, np.random.default_rng(seed))[0].share.sum() for seed in range(8)]
    assert max(areas) > 1.5 * min(areas)
    assert len(COLOURS_RGB) == 7


def test_brows_are_drawn_at_the_brows() -> None:
    points = base_layers().landmarks
    share = brow_share(points, np.random.default_rng(0))
    assert share.shape == CANVAS_SHAPE
    rows = np.nonzero(share > 0.05)[0]
    assert points[17:27, 1].min() - 10 < rows.min() <= rows.max() < points[17:27, 1].max() + 10
