"""The portrait's layers: a face without hair, hair without a face, landmarks that lie where they say."""

import numpy as np
import pytest

from mer.synth.canvas import CANVAS_SHAPE, ENLARGEMENT, base_layers, to_canvas
from mer.synth.portrait import load_parts, load_portrait


def test_mirroring_twice_gives_the_layers_back() -> None:
    base = base_layers()
    twice = base.mirrored().mirrored()
    np.testing.assert_array_equal(twice.face, base.face)
    np.testing.assert_allclose(twice.landmarks, base.landmarks, atol=1e-3)


def test_canvas_is_the_portrait_enlarged() -> None:
    points = load_portrait().landmarks
    apart = np.linalg.norm(to_canvas(points[36]) - to_canvas(points[45]))
    assert apart == pytest.approx(ENLARGEMENT * np.linalg.norm(points[36] - points[45]), rel=1e-5)


def test_face_covers_every_landmark_and_the_skull_above() -> None:
    base = base_layers()
    x, y = np.round(base.landmarks).astype(int).T
    assert base.skin_share[y[17:], x[17:]].min() > 0.99
    crown = base.landmarks[27] - (0, 1.0 * np.linalg.norm(base.landmarks[36] - base.landmarks[45]) * 0.6)
    assert base.skin_share[round(crown[1]), round(crown[0])] > 0.99


def test_parts_are_shares_that_do_not_overlap() -> None:
    parts = load_parts()
    assert parts.person.shape == load_portrait().image.shape[:2]
    assert (parts.hair + parts.skin).max() < 1.2
    assert ((parts.hair + parts.skin) <= parts.person + 0.1).mean() > 0.99


def test_layers_have_the_canvas_shape_and_range() -> None:
    base = base_layers()
    assert base.face.shape == base.hair.shape == (*CANVAS_SHAPE, 3)
    for share in (base.skin_share, base.hair_share):
        assert share.shape == CANVAS_SHAPE
        assert share.min() >= 0
        assert share.max() <= 1
