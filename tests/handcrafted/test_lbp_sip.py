"""LBP-SIP: its codes and what they do not depend on."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mer.errors import MerError
from mer.handcrafted import lbp_sip
from mer.handcrafted.lbp_sip import intersection_codes

Bytes = NDArray[np.uint8]


@pytest.fixture
def clip() -> Bytes:
    return np.random.default_rng(1).integers(0, 200, (10, 21, 26), dtype=np.uint8)


def test_bits_are_above_left_below_right_and_before_after() -> None:
    for bit, (row, column) in enumerate([(0, 1), (1, 0), (2, 1), (1, 2)]):
        clip = np.zeros((3, 3, 3), np.uint8)
        clip[1, 1, 1] = 5
        clip[1, row, column] = 6
        assert [codes.item() for codes in intersection_codes(clip, 1, 1)] == [1 << bit, 0]
    for bit, frame in enumerate((0, 2)):
        clip = np.zeros((3, 3, 3), np.uint8)
        clip[1, 1, 1] = clip[frame, 1, 1] = 5
        assert [codes.item() for codes in intersection_codes(clip, 1, 1)] == [0, 1 << bit]


def test_dimension_is_twenty_a_block(clip: Bytes) -> None:
    assert lbp_sip(clip).shape == (500,)
    assert np.allclose(lbp_sip(clip).reshape(25, 20)[:, :16].sum(axis=1), 1)
    assert np.allclose(lbp_sip(clip).reshape(25, 20)[:, 16:].sum(axis=1), 1)


def test_a_constant_clip_is_all_at_its_centres_level() -> None:
    histograms = lbp_sip(np.full((9, 12, 12), 3, np.uint8), (2, 2)).reshape(4, 20)
    assert (histograms[:, [15, 16 + 3]] == 1).all()


def test_a_static_clip_is_all_in_the_last_bin_of_time(clip: Bytes) -> None:
    histograms = lbp_sip(np.repeat(clip[:1], 9, axis=0)).reshape(25, 20)
    assert (histograms[:, 19] == 1).all()
    assert histograms[:, :16].max() < 1


def test_a_rising_grey_map_changes_nothing(clip: Bytes) -> None:
    dim = clip // 4
    curve = np.cumsum(np.random.default_rng(0).integers(1, 5, 64)).astype(np.uint8)
    assert np.array_equal(lbp_sip(dim), lbp_sip(curve[dim]))


def test_a_clip_played_backwards_swaps_before_and_after(clip: Bytes) -> None:
    forwards, backwards = (lbp_sip(one).reshape(25, 20) for one in (clip, clip[::-1]))
    assert np.array_equal(backwards[:, :16], forwards[:, :16])
    assert np.array_equal(backwards[:, 16:], forwards[:, [16, 18, 17, 19]])
    assert not np.array_equal(backwards, forwards)


@pytest.mark.parametrize(
    ("settings", "message"), [({"radius_frames": 5}, "clip of 11 frames"), ({"radius_px": 0}, "radius_px")]
)
def test_what_cannot_be_described_is_refused(clip: Bytes, settings: dict[str, int], message: str) -> None:
    with pytest.raises(MerError, match=message):
        lbp_sip(clip, **settings)  # type: ignore[arg-type]
