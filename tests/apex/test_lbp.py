"""Local binary patterns against scikit-image, and what they do not depend on."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mer.apex.lbp import N_PATTERNS, UNIFORM, lbp_codes, uniform_histograms
from mer.errors import MerError

Bytes = NDArray[np.uint8]


@pytest.fixture
def image() -> Bytes:
    return np.random.default_rng(3).integers(0, 256, (64, 48), dtype=np.uint8)


def test_codes_are_scikit_images(image: Bytes) -> None:
    feature = pytest.importorskip("skimage.feature")
    reference = feature.local_binary_pattern(image, 8, 1, "default")[1:-1, 1:-1]
    assert np.array_equal(lbp_codes(image), reference)


def test_uniform_patterns_part_the_codes_as_scikit_images_do(image: Bytes) -> None:
    feature = pytest.importorskip("skimage.feature")
    theirs = feature.local_binary_pattern(image, 8, 1, "nri_uniform")[1:-1, 1:-1].astype(int).ravel()
    ours = UNIFORM[lbp_codes(image)].astype(int).ravel()
    pairs = set(zip(ours.tolist(), theirs.tolist(), strict=True))
    assert len(pairs) == len(set(ours)) == len(set(theirs)) > 50


def test_there_are_59_patterns_and_the_last_holds_what_changes_more_than_twice() -> None:
    assert sorted(set(UNIFORM.tolist())) == list(range(N_PATTERNS))
    assert (UNIFORM == N_PATTERNS - 1).sum() == 256 - 58
    assert UNIFORM[0b00000000] == 0
    assert UNIFORM[0b01010101] == N_PATTERNS - 1
    assert UNIFORM[0b11111111] == N_PATTERNS - 2


def test_a_constant_image_has_every_neighbour_at_its_centres_level() -> None:
    assert (lbp_codes(np.full((5, 6), 200, np.uint8)) == 255).all()


def test_brightness_added_changes_no_code(image: Bytes) -> None:
    dim = image // 2
    assert np.array_equal(lbp_codes(dim), lbp_codes(dim + 100))


def test_a_batch_is_its_images_one_by_one(image: Bytes) -> None:
    batch = np.stack([image, image[::-1], image[:, ::-1]])
    assert np.array_equal(lbp_codes(batch), np.stack([lbp_codes(one) for one in batch]))
    histograms = uniform_histograms(lbp_codes(batch))
    assert np.allclose(histograms.sum(axis=1), 1)
    alone = [np.bincount(UNIFORM[lbp_codes(one)].ravel(), minlength=N_PATTERNS) / (62 * 46) for one in batch]
    assert np.allclose(histograms, alone)


@pytest.mark.parametrize("grey", [np.zeros((2, 9), np.uint8), np.zeros((9, 9), np.float32), np.zeros(9, np.uint8)])
def test_what_has_no_codes_is_refused(grey: NDArray[np.generic]) -> None:
    with pytest.raises(MerError, match="grey uint8 images of 3x3 px or more"):
        lbp_codes(grey)  # type: ignore[arg-type]
