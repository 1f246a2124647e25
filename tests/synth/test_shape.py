"""Another shape of face: smooth, without folds, its landmarks true."""

import cv2
import numpy as np
import pytest

from mer.synth.canvas import CANVAS_SHAPE, base_layers
from mer.synth.portrait import FloatArray, eye_distance_px
from mer.synth.shape import Warp, random_warp, warped


def warp_of(seed: int) -> Warp:
    return random_warp(base_layers().landmarks, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(6))
def test_warp_nowhere_folds_over(seed: int) -> None:
    u, v = warp_of(seed).field
    (u_y, u_x), (v_y, v_x) = np.gradient(u), np.gradient(v)
    jacobian = (1 - u_x) * (1 - v_y) - u_y * v_x
    assert jacobian.min() > 0.15


def test_marks_at_the_landmarks_arrive_where_the_warp_says() -> None:
    points, warp = base_layers().landmarks, warp_of(0)
    for index in (8, 19, 30, 37, 48, 66):
        marks: FloatArray = np.zeros(CANVAS_SHAPE, np.float32)
        cv2.circle(marks, tuple(int(value) for value in np.round(points[index] * 16)), 6 * 16, 1.0, -1, 16, 4)
        moved = warp.image(marks)
        rows, columns = np.mgrid[: CANVAS_SHAPE[0], : CANVAS_SHAPE[1]]
        found = np.array([(columns * moved).sum(), (rows * moved).sum()]) / moved.sum()
        np.testing.assert_allclose(found, warp.points(points[[index]])[0], atol=0.8)


def test_faces_differ_much_more_than_by_placement() -> None:
    def features(seed: int) -> FloatArray:
        points = warped(base_layers(), warp_of(seed)).landmarks
        return (points - points[36:48].mean(0)) / eye_distance_px(points)

    faces = np.stack([features(seed) for seed in range(8)])
    apart = np.linalg.norm(faces[:, None] - faces[None], axis=-1).mean(-1)
    assert apart[np.triu_indices(8, 1)].min() > 0.04
