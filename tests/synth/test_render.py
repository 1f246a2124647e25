"""Rendering moves a face by exactly the flow it is given."""

import numpy as np
import pytest

from mer.synth.identity import make_subject, random_placement
from mer.synth.motion import bump_profile, drift_profile, expression_profile
from mer.synth.portrait import MIRROR_ORDER, load_portrait
from mer.synth.render import camera, enlarge, pixel_grid, source_positions, warp_neutral


def test_mirroring_twice_gives_the_portrait_back() -> None:
    portrait = load_portrait()
    twice = portrait.mirrored().mirrored()
    np.testing.assert_array_equal(twice.image, portrait.image)
    np.testing.assert_allclose(twice.landmarks, portrait.landmarks, atol=1e-4)
    assert sorted(MIRROR_ORDER) == list(range(68))


def test_source_positions_undo_the_flow() -> None:
    x, y = pixel_grid((120, 160))
    flow = np.stack([1.4 * np.sin(y / 20), 1.1 * np.cos(x / 25)]).astype(np.float32)
    source_x, source_y = source_positions(flow)
    arrived_x = source_x + 1.4 * np.sin(source_y / 20)
    arrived_y = source_y + 1.1 * np.cos(source_x / 25)
    inner = (slice(5, -5), slice(5, -5))
    np.testing.assert_allclose(arrived_x[inner], x[inner], atol=3e-3)
    np.testing.assert_allclose(arrived_y[inner], y[inner], atol=3e-3)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.37, 1.5])
def test_ramp_moves_by_the_shift_without_bias(shift: float) -> None:
    x, y = pixel_grid((40, 60))
    ramp = np.repeat((2 * x + y)[..., None], 3, axis=2)
    flow = np.stack([np.full_like(x, shift), np.full_like(x, -shift)])
    moved = warp_neutral(enlarge(ramp), flow)
    # The image's end is left out. OpenCV 4 samples in steps of 1/32 px of the enlarged image.
    np.testing.assert_allclose(moved[3:-3, 3:-3], (ramp - 2 * shift + shift)[3:-3, 3:-3], atol=3 / 64)


def test_placement_and_its_inverse_agree() -> None:
    placement = random_placement(np.random.default_rng(3))
    points = load_portrait().landmarks
    np.testing.assert_allclose(placement.to_portrait(placement.to_frame(points)), points, atol=1e-2)


def test_subjects_differ_in_face_and_skin() -> None:
    first, second = (make_subject(np.random.SeedSequence(0, spawn_key=(number,))) for number in (1, 2))
    assert np.abs(first.landmarks - second.landmarks).mean() > 1
    assert np.abs(first.neutral - second.neutral).mean() > 3


def test_expression_is_zero_at_onset_and_strongest_at_apex() -> None:
    profile = expression_profile(24, 10, np.random.default_rng(0))
    assert profile[0] == 0
    assert profile.argmax() == 10
    assert profile[10] == pytest.approx(1)
    assert (np.diff(profile[:11]) >= 0).all()
    assert (np.diff(profile[10:]) <= 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_disturbances_start_at_zero_and_stay_within_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for profile in (bump_profile(24, rng)[:, None], drift_profile(24, 2, rng)):
        assert np.abs(profile[0]).max() == 0
        assert np.linalg.norm(profile, axis=1).max() == pytest.approx(1, abs=1e-5)


def test_camera_noise_has_the_size_asked_for() -> None:
    image = np.full((200, 200, 3), 128.25, np.float32)
    noise = camera(image, 3.0, np.random.default_rng(0))[..., 0] - 128.25
    assert noise.std() == pytest.approx(3.0, rel=0.02)
    assert noise.mean() == pytest.approx(0.0, abs=0.05)


def test_camera_clips_instead_of_wrapping() -> None:
    dark = camera(np.zeros((50, 50, 3), np.float32), 4.0, np.random.default_rng(0))
    bright = camera(np.full((50, 50, 3), 255, np.float32), 4.0, np.random.default_rng(0))
    assert (dark == 0).mean() > 0.4
    assert bright.min() > 200
