"""The portrait's smile is closed: no teeth, lips that meet, landmarks that follow."""

import numpy as np

from mer.synth.canvas import base_layers, to_canvas
from mer.synth.neutral import without_folds
from mer.synth.portrait import FloatArray, load_portrait


def test_inner_lips_meet() -> None:
    points = base_layers().landmarks
    for upper, lower in ((61, 67), (62, 66), (63, 65)):
        assert abs(points[lower, 1] - points[upper, 1]) < 3.5


def test_lips_keep_their_order_and_the_eyes_their_place() -> None:
    points, before = base_layers().landmarks, to_canvas(load_portrait().landmarks)
    assert points[51, 1] < points[62, 1] <= points[66, 1] < points[57, 1] < points[8, 1]
    np.testing.assert_array_equal(points[17:48], before[17:48])


def test_no_teeth_show() -> None:
    base = base_layers()
    before = to_canvas(load_portrait().landmarks)
    x, y = np.round(before[62]).astype(int), np.round(base.landmarks[62]).astype(int)
    portrait_teeth = load_portrait().image[144:149, 123:132].mean()
    assert x[0] == y[0]
    assert base.face[y[1] - 2 : y[1] + 3, y[0] - 10 : y[0] + 11].mean() < portrait_teeth - 40


def test_fold_is_smoothed_and_the_rest_stays() -> None:
    image: FloatArray = np.full((80, 80, 3), 150, np.float32)
    image[38:42, 20:60] = 60
    smooth = without_folds(image, [np.array([(15, 40), (65, 40)], np.float32)])
    assert smooth[40, 40, 0] > 140
    np.testing.assert_allclose(smooth[:15], image[:15])
