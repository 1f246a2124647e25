"""Below the frame nothing covers anything else, at any size, and each picture has its caption."""

from itertools import pairwise

import numpy as np
import pytest

from mer.predict.letters import write_text
from mer.predict.results import Pictures
from mer.predict.strip import captioned, draw_pictures, strip_below

SIZES = [(320, 240), (640, 480), (1920, 1080), (1080, 1920), (480, 640), (528, 592), (181, 201), (120, 90), (400, 400)]


def flat(value: int) -> np.ndarray:
    return np.full((16, 16, 3), value, np.uint8)


@pytest.mark.parametrize("n_pictures", [0, 2, 3])
@pytest.mark.parametrize("size", SIZES)
def test_curve_and_pictures_lie_side_by_side_inside_the_strip(size: tuple[int, int], n_pictures: int) -> None:
    strip = strip_below(*size, n_pictures)
    assert (strip.width % 2, strip.height % 2) == (0, 0)
    assert strip.width - size[0] in (0, 1)
    (left, top), (curve_width, curve_height) = strip.pictures, strip.curve
    assert left + n_pictures * strip.side <= strip.width
    assert top + strip.side <= strip.height
    assert curve_width <= left or curve_height <= top or n_pictures == 0
    assert curve_width >= 0.4 * strip.width
    assert curve_height >= 48
    assert strip.side >= min(72, strip.width // max(n_pictures, 1))
    assert strip.height <= max(122, 0.45 * size[1])


def test_wide_frames_have_pictures_beside_the_curve_and_narrow_ones_below_it() -> None:
    assert strip_below(640, 480, 3).pictures == (640 - 3 * 96, 0)
    assert strip_below(480, 640, 3).pictures == (0, 80)
    assert strip_below(480, 640, 3).side == 160


def test_pictures_that_there_are_stand_in_their_order_with_captions() -> None:
    strip = strip_below(640, 480, 3)
    area = np.zeros((strip.height, strip.width, 3), np.uint8)
    pictures = Pictures(flat(60), flat(120), flat(180))
    draw_pictures(area, strip, pictures)
    assert list(captioned(pictures)) == ["onset", "magnified", "Grad-CAM"]
    left, side = strip.pictures[0], strip.side
    for number, value in enumerate((60, 120, 180)):
        place = area[:side, left + number * side :][:, :side]
        assert (place[side // 2 :] == value).all()
        assert place[: side // 3].max() > 200  # its caption
    assert (area[:, :left] == 0).all()
    assert list(captioned(Pictures(flat(1), flat(2)))) == ["onset", "magnified"]


def test_colours_of_pictures_are_kept() -> None:
    strip = strip_below(640, 480, 2)
    area = np.zeros((strip.height, strip.width, 3), np.uint8)
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 200
    draw_pictures(area, strip, Pictures(red, red))
    assert area[-1, -1].tolist() == [0, 0, 200]  # BGR


@pytest.mark.parametrize("width", [60, 120, 400])
@pytest.mark.parametrize("at_bottom", [False, True])
def test_line_stays_inside_however_narrow_the_area(width: int, at_bottom: bool) -> None:
    area = np.full((80, width, 3), 128, np.uint8)
    write_text(area, "negative 0.97", 1.0, at_bottom)
    changed = (area != 128).any(axis=-1)
    assert changed.any()
    assert not changed[:, [0, -1]].any()
    assert not changed[[0, -1]].any()
    rows = np.flatnonzero(changed.any(axis=1))
    assert (rows.mean() > 40) == at_bottom


def test_gaps_between_letters_of_a_wide_area_are_not_squeezed() -> None:
    spans = []
    for width in (400, 800):
        area = np.zeros((60, width, 3), np.uint8)
        write_text(area, "happy", 1.0)
        spans.append(np.ptp(np.flatnonzero((area == 255).any(axis=(0, 2)))))
    assert all(one == other for one, other in pairwise(spans))
