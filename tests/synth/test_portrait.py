"""The portrait and its mirror image."""

import numpy as np

from mer.synth.portrait import MIRROR_ORDER, load_portrait


def test_mirroring_twice_gives_the_portrait_back() -> None:
    portrait = load_portrait()
    twice = portrait.mirrored().mirrored()
    np.testing.assert_array_equal(twice.image, portrait.image)
    np.testing.assert_allclose(twice.landmarks, portrait.landmarks, atol=1e-4)
    assert sorted(MIRROR_ORDER) == list(range(68))
