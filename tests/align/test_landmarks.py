"""Eye centres from the 68 landmarks."""

import numpy as np

from mer.align import eye_centres


def test_eye_centres_are_the_means_of_points_36_to_41_and_42_to_47() -> None:
    points = np.full((68, 2), 1000, np.float32)
    points[36:42] = [(10, 5), (12, 5), (10, 7), (12, 7), (11, 5), (11, 7)]
    points[42:48] = [(30, 8), (32, 8), (30, 10), (32, 10), (31, 8), (31, 10)]
    first, second = eye_centres(points)
    np.testing.assert_array_equal(first, [11, 6])
    np.testing.assert_array_equal(second, [31, 9])


def test_eye_centres_do_not_round_points_far_from_the_origin() -> None:
    points = np.random.default_rng(0).uniform(3000, 4000, (68, 2)).astype(np.float32)
    first, second = eye_centres(points)
    np.testing.assert_allclose(first, points[36:42].astype(np.float64).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(second, points[42:48].astype(np.float64).mean(axis=0), rtol=1e-12)
