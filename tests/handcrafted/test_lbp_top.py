"""LBP-TOP against scikit-image and a loop over voxels, and what it does not depend on."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mer.errors import MerError
from mer.handcrafted import lbp_top
from mer.handcrafted.lbp_top import pattern_bins, plane_codes

Bytes = NDArray[np.uint8]


@pytest.fixture
def clip() -> Bytes:
    return np.random.default_rng(7).integers(0, 256, (11, 23, 19), dtype=np.uint8)


def code_of(clip: Bytes, at: tuple[int, int, int], plane: str, radii: tuple[int, int, int], neighbours: int) -> int:
    """One voxel's code, nearest px, as the definition reads."""
    t, y, x = at
    code = 0
    for bit in range(neighbours):
        angle = 2 * np.pi * bit / neighbours
        cos, sin = round(np.cos(angle), 9), round(np.sin(angle), 9)
        moves = {
            "xy": (0, -radii[1] * sin, radii[0] * cos),
            "xt": (radii[2] * sin, 0, radii[0] * cos),
            "yt": (radii[2] * sin, -radii[1] * cos, 0),
        }[plane]
        neighbour = tuple(int(np.floor(place + move + 0.5)) for place, move in zip((t, y, x), moves, strict=True))
        code += (int(clip[neighbour]) >= int(clip[at])) << bit
    return code


@pytest.mark.parametrize(("radii", "neighbours"), [((1, 1, 4), 8), ((2, 3, 1), 8), ((1, 2, 2), 4)])
def test_codes_are_those_of_a_loop_over_voxels(clip: Bytes, radii: tuple[int, int, int], neighbours: int) -> None:
    border = max(radii[:2])
    for plane, codes in zip(("xy", "xt", "yt"), plane_codes(clip, radii, neighbours, "nearest"), strict=True):
        expected = [
            [
                [code_of(clip, (t, y, x), plane, radii, neighbours) for x in range(border, 19 - border)]
                for y in range(border, 23 - border)
            ]
            for t in range(radii[2], 11 - radii[2])
        ]
        assert np.array_equal(codes, expected)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_the_xy_plane_has_scikit_images_codes(clip: Bytes, radius: int) -> None:
    feature = pytest.importorskip("skimage.feature")
    inner = slice(radius, -radius)
    expected = [feature.local_binary_pattern(frame, 8, radius, "default")[inner, inner] for frame in clip[1:-1]]
    assert np.array_equal(plane_codes(clip, (radius, radius, 1))[0], expected)


def test_bilinear_samples_lie_between_px_and_frames() -> None:
    clip = np.zeros((3, 3, 3), np.uint8)
    clip[1, 1, 1], clip[2, 1, 2] = 100, 255
    # XT, p = 1, at 45 degrees: cos 45 sin 45 of 255 = 127.5, and of the centre itself (1 - cos 45)^2 of 100 = 8.6.
    assert plane_codes(clip, (1, 1, 1))[1][0, 0, 0] >> 1 & 1 == 1
    clip[1, 1, 1] = 150  # 127.5 + 12.9 < 150
    assert plane_codes(clip, (1, 1, 1))[1][0, 0, 0] >> 1 & 1 == 0


def test_dimension_is_blocks_times_planes_times_bins(clip: Bytes) -> None:
    assert lbp_top(clip).shape == (5 * 5 * 3 * 59,) == (4425,)
    assert lbp_top(clip, (3, 2), (1, 1, 1), neighbours=4, uniform=False).shape == (3 * 2 * 3 * 16,)
    assert lbp_top(clip, (3, 2), (1, 1, 1), neighbours=4).shape == (3 * 2 * 3 * 15,)


def test_each_histogram_has_sum_one(clip: Bytes) -> None:
    assert np.allclose(lbp_top(clip, (4, 3), overlap=0.5).reshape(-1, 59).sum(axis=1), 1)


def test_a_constant_clip_fills_one_bin_of_each_histogram() -> None:
    histograms = lbp_top(np.full((9, 20, 20), 90, np.uint8)).reshape(-1, 59)
    assert (histograms[:, pattern_bins(8, True)[0][255]] == 1).all()


def test_brightness_added_changes_nothing(clip: Bytes) -> None:
    dim = clip // 2
    assert np.array_equal(lbp_top(dim), lbp_top(dim + 100))


def test_a_rising_grey_map_changes_nothing_where_px_are_nearest(clip: Bytes) -> None:
    dim = clip // 4
    curve = np.cumsum(np.random.default_rng(0).integers(1, 4, 64)).astype(np.uint8)
    assert np.array_equal(lbp_top(dim, sampling="nearest"), lbp_top(curve[dim], sampling="nearest"))


def test_a_static_clip_has_no_pattern_in_time(clip: Bytes) -> None:
    static = np.repeat(clip[:1], 9, axis=0)
    xt = plane_codes(static, (1, 1, 4))[1]
    assert (xt & 0b01000100 == 0b01000100).all()
    for one, other in ((1, 7), (2, 6), (3, 5)):
        assert np.array_equal(xt >> one & 1, xt >> other & 1)
    assert len(np.unique(xt)) <= 8
    assert np.array_equal(lbp_top(static), lbp_top(static[::-1]))


def test_a_clip_played_backwards_changes_the_planes_of_time_alone(clip: Bytes) -> None:
    forwards, backwards = (lbp_top(one).reshape(25, 3, 59) for one in (clip, clip[::-1]))
    assert np.array_equal(forwards[:, 0], backwards[:, 0])
    assert not np.allclose(forwards[:, 1], backwards[:, 1])


def test_rows_and_columns_swapped_swap_the_planes_of_time(clip: Bytes) -> None:
    # y counts upwards, so a transposed image is also mirrored for YT: turn it round before.
    square = clip[:, :19]
    turned = square.transpose(0, 2, 1)[:, ::-1, ::-1]
    (_, xt, yt), (_, xt_turned, yt_turned) = (plane_codes(one, (1, 1, 2)) for one in (square, turned))
    histogram = [np.bincount(codes.ravel(), minlength=256) for codes in (xt, yt, xt_turned, yt_turned)]
    assert np.array_equal(histogram[0], histogram[3])
    assert np.array_equal(histogram[1], histogram[2])
    assert not np.array_equal(histogram[0], histogram[1])


def test_there_are_59_uniform_patterns() -> None:
    bins, count = pattern_bins(8, True)
    assert count == 59
    assert sorted(set(bins.tolist())) == list(range(59))
    assert (bins == 58).sum() == 256 - 58
    assert bins[0b01010101] == 58 != bins[0b00011100]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"radii": (1, 1, 6)}, "clip of 13 frames"),
        ({"radii": (0, 1, 1)}, "each of radii"),
        ({"neighbours": 6}, "neighbours of 4 or 8"),
        ({"sampling": "cubic"}, "sampling"),
        ({"blocks": (40, 1)}, "40 px or more for 40 blocks"),
        ({"blocks": (0, 1)}, "each of blocks"),
        ({"overlap": 1.0}, "overlap"),
    ],
)
def test_what_cannot_be_described_is_refused(clip: Bytes, settings: dict[str, object], message: str) -> None:
    with pytest.raises(MerError, match=message):
        lbp_top(clip, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "clip", [np.zeros((11, 20, 20)), np.zeros((11, 20), np.uint8), np.zeros((11, 2, 20), np.uint8)]
)
def test_what_is_no_grey_clip_is_refused(clip: Bytes) -> None:
    with pytest.raises(MerError, match="grey uint8 clip"):
        lbp_top(clip)
