"""Residual jitter is the root mean square of the shifts from crop to crop."""

import numpy as np
import numpy.typing as npt
import pytest

from mer.align import residual_jitter_px
from mer.align.jitter import global_shift_px
from mer.errors import MerError
from tests.align.test_drift import face, noisy, texture

Image = npt.NDArray[np.uint8]


def walk(*places: tuple[float, float]) -> list[Image]:
    base = texture()
    return [face(base, place) for place in places]


@pytest.mark.parametrize("shift", [(0.1, 0.0), (0.0, -0.35), (0.5, 0.5), (2.3, -1.7)])
def test_shift_between_two_images_is_found(shift: tuple[float, float]) -> None:
    first, second = (crop[..., 0] for crop in walk((0, 0), shift))
    np.testing.assert_allclose(global_shift_px(first, second), shift, atol=0.01)


def test_jitter_is_the_root_mean_square_of_the_steps() -> None:
    crops = walk((0, 0), (0.3, 0.4), (0.3, 0.4), (0.3, -0.8))
    assert residual_jitter_px(crops) == pytest.approx(np.sqrt((0.5**2 + 0 + 1.2**2) / 3), abs=0.01)


def test_still_crops_have_no_jitter_whatever_the_noise_and_the_light() -> None:
    still = walk((0, 0))[0]
    assert residual_jitter_px([still, still]) == pytest.approx(0, abs=1e-4)
    assert residual_jitter_px([noisy(still, seed) for seed in range(4)]) < 0.02
    assert residual_jitter_px([still, (0.8 * still).astype(np.uint8)]) < 0.01


def test_single_crop_is_refused() -> None:
    with pytest.raises(MerError, match="two crops or more; got 1"):
        residual_jitter_px(walk((0, 0)))


def test_crops_that_show_nothing_are_refused() -> None:
    with pytest.raises(MerError, match="frames of one scene"):
        residual_jitter_px([np.full((64, 64, 3), grey, np.uint8) for grey in (10, 200)])
