"""Stabilisation takes a slow drift out of the crops, and neither noise nor a movement of the face."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from mer.align import drift_corrections
from mer.align.crop import ClipTransform
from mer.align.drift import robust_rigid_fit, slow_part, undo
from mer.errors import MerError

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

SIZE = 224
MOUTH = (112.0, 180.0)
WHOLE = ClipTransform(np.eye(3)[:2], None, SIZE)


def texture(seed: int = 0) -> Floats:
    """Waves of random direction and phase ``(W, 3)``, 8 px long or more: they can be moved without interpolation."""
    random = np.random.default_rng(seed)
    angle, cycles = random.uniform(0, 2 * np.pi, 60), random.uniform(0.02, 0.125, 60)
    return np.column_stack([cycles * np.cos(angle), cycles * np.sin(angle), random.uniform(0, 1, 60)])


def face(texture: Floats, shift_px: tuple[float, float] = (0, 0), angle: float = 0, mouth_px: float = 0) -> Image:
    """The texture moved by ``shift_px`` and turned about its middle, its mouth region ``mouth_px`` to the right."""
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    middle = (SIZE - 1) / 2
    x, y = columns - middle - shift_px[0], rows - middle - shift_px[1]
    x, y = np.cos(angle) * x + np.sin(angle) * y + middle, -np.sin(angle) * x + np.cos(angle) * y + middle
    x = x - mouth_px * np.exp(-((x - MOUTH[0]) ** 2 + (y - MOUTH[1]) ** 2) / (2 * 12**2))
    grey = sum(np.cos(2 * np.pi * (along_x * x + along_y * y + phase)) for along_x, along_y, phase in texture)
    return np.repeat(np.clip(np.round(128 + 8 * grey), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def shift_between(first: Image, second: Image, centre: tuple[float, float], half: int = 12) -> Floats:
    """Shift in px of a patch, by correlation: another measure than the one under test."""
    x, y = (int(part) for part in centre)
    patch = np.s_[y - half : y + half, x - half : x + half]
    grey = [np.float32(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY)[patch]) for one in (first, second)]
    start, stop = np.eye(2, 3, dtype=np.float32), (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 200, 1e-7)
    _, matrix = cv2.findTransformECC(*grey, start, cv2.MOTION_TRANSLATION, stop, np.ones_like(grey[0], np.uint8), 3)
    return np.asarray(matrix[:, 2], np.float64)


def noisy(image: Image, seed: int, grey: float = 5) -> Image:
    noise = np.random.default_rng(seed).normal(0, grey, image.shape)
    return np.clip(np.round(image + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [0.0, 5.0])
def test_drift_is_removed_and_the_mouths_movement_is_kept(noise: float) -> None:
    time = np.linspace(0, 1, 24)
    base = texture()
    pulse = np.exp(-((time - 0.5) ** 2) / 0.02)  # the mouth moves by 1 px and back
    drifting = [
        face(base, (3 * at, 2 * at - 3 * at**2), 0.01 * at, mouth) for at, mouth in zip(time, pulse, strict=True)
    ]
    still = [face(base, mouth_px=mouth) for mouth in pulse]
    corrections = drift_corrections([noisy(crop, seed, noise) for seed, crop in enumerate(drifting)])
    stabilised = [WHOLE.apply(crop, one) for crop, one in zip(drifting, corrections, strict=True)]
    for number in (6, 12, 18, 23):
        for place in ((60, 80), (112, 60), (160, 80), (112, 112), (60, 180)):
            assert np.linalg.norm(shift_between(still[0], stabilised[number], place)) < 0.1
        kept = shift_between(still[0], stabilised[number], MOUTH) - shift_between(still[0], still[number], MOUTH)
        assert np.linalg.norm(kept) < 0.1
    assert shift_between(still[0], still[12], MOUTH)[0] > 0.6


def test_first_crop_stays_as_it_is() -> None:
    crops = [face(texture(), (shift, 0)) for shift in (0.0, 1.0, 2.0)]
    np.testing.assert_array_equal(drift_corrections(crops)[0], np.eye(3)[:2])


def waved(raised: Floats) -> list[Image]:
    """16 crops whose content moves up by ``raised`` px ``(S, S)`` in the end, and evenly until then."""
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    first = face(texture(1))
    return [
        np.asarray(cv2.remap(first, columns, rows + np.float32(at * raised), cv2.INTER_CUBIC), np.uint8)
        for at in np.linspace(0, 1, 16)
    ]


@pytest.mark.parametrize(
    "moving",
    [[(70, 52, 30, 18), (154, 52, 30, 18)], [(70, 78, 12, 8)]],  # x, y, widths in px
    ids=["both brows", "one eye"],
)
def test_part_of_the_face_that_moves_by_itself_is_not_taken_for_the_head(moving: list[tuple[int, ...]]) -> None:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    raised = sum(1.5 * np.exp(-(((columns - x) / wide) ** 2) - ((rows - y) / high) ** 2) for x, y, wide, high in moving)
    for correction in drift_corrections(waved(np.asarray(raised))):
        np.testing.assert_allclose(correction @ (112, 80, 1), (112, 80), atol=0.1)


def test_jump_of_one_frame_is_not_followed() -> None:
    base = texture(2)
    crops = [face(base, (2.0, 0) if number == 12 else (0, 0)) for number in range(24)]
    shifts = [(one @ (112, 112, 1))[0] - 112 for one in drift_corrections(crops)]
    assert np.abs(shifts).max() < 0.6  # of 2 px


def test_still_face_in_noise_stays() -> None:
    crops = [noisy(face(texture()), seed, 10) for seed in range(24)]
    corners = np.array([(0, 0, 1), (223, 0, 1), (0, 223, 1), (223, 223, 1)], float)
    for correction in drift_corrections(crops):
        np.testing.assert_allclose(corners @ correction.T, corners[:, :2], atol=0.1)


def test_crops_without_texture_are_refused() -> None:
    with pytest.raises(
        MerError, match=r"corners about eyes and nose to follow on most frames; got 0 of 3; set align\."
    ):
        drift_corrections([np.full((SIZE, SIZE, 3), 128, np.uint8)] * 4)


def test_clip_of_one_frame_has_nothing_to_correct() -> None:
    assert len(drift_corrections([face(texture())])) == 1


@pytest.mark.parametrize("seed", range(5))
def test_fit_finds_the_motion_that_most_places_share(seed: int) -> None:
    random = np.random.default_rng(seed)
    places = random.uniform(-80, 80, (120, 2))
    angle, shift = 0.004, np.array([0.7, -1.2])
    shifts = shift + angle * places[:, ::-1] * (-1, 1) + random.normal(0, 0.05, (120, 2))
    shifts[:30] += (2.0, 1.0)
    fitted = robust_rigid_fit(places, shifts)
    assert (np.abs(fitted - (angle, *shift)) < (0.0005, 0.03, 0.03)).all()


def test_fit_of_exact_motion_is_exact() -> None:
    places = np.random.default_rng(0).uniform(-80, 80, (50, 2))
    shifts = np.array([0.5, 0.25]) + 0.01 * places[:, ::-1] * (-1, 1)
    np.testing.assert_allclose(robust_rigid_fit(places, shifts), (0.01, 0.5, 0.25), atol=1e-9)


@pytest.mark.parametrize(("frames", "degree"), [(2, 1), (10, 1), (16, 2), (24, 3), (100, 3)])
def test_course_over_time_is_a_polynomial_through_zero_at_onset(frames: int, degree: int) -> None:
    time = np.arange(1, frames)[:, None] / (frames - 1)
    motions = np.hstack([time, -2 * time**degree, np.zeros_like(time)])
    np.testing.assert_allclose(slow_part(motions), motions, atol=1e-9)


def test_course_that_turns_too_often_is_not_followed() -> None:
    time = np.linspace(0, 1, 100)[1:, None]
    wave = np.sin(6 * np.pi * time) * (1, 1, 1)
    assert np.sqrt((slow_part(wave) ** 2).mean()) < 0.7 * np.sqrt((wave**2).mean())


def test_jump_right_after_onset_is_not_followed_at_once() -> None:
    assert (slow_part(np.ones((23, 3)))[0] < 0.5).all()


def test_frames_on_which_nothing_was_found_are_bridged() -> None:
    motions = np.linspace(0.1, 1, 10)[:, None] * (0.01, 1, 2)
    gaps = motions.copy()
    gaps[[2, 3, 7]] = np.nan
    np.testing.assert_allclose(slow_part(gaps), motions, atol=1e-9)
    gaps[:5] = np.nan
    with pytest.raises(MerError, match="got 4 of 10"):
        slow_part(gaps)


def test_undo_takes_back_a_turn_and_a_shift() -> None:
    pivot, angle, shift = np.array([100.0, 50.0]), 0.3, np.array([4.0, -7.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    places = np.random.default_rng(0).uniform(0, 200, (9, 2))
    moved = (places - pivot) @ turn.T + pivot + shift
    back = undo(np.array([angle, *shift]), pivot)
    np.testing.assert_allclose(moved @ back[:, :2].T + back[:, 2], places)
