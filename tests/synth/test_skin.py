"""Skin: the tone asked for, whites of the eyes that stay, texture that never changes brightness much."""

import numpy as np

from mer.synth.canvas import base_layers
from mer.synth.skin import TONES_RGB, eye_share, random_tone, texture_gain, to_grey_levels, to_linear, tone_gain


def test_linear_light_and_back() -> None:
    levels = np.linspace(0, 255, 20, dtype=np.float32)
    np.testing.assert_allclose(to_grey_levels(to_linear(levels)), levels, atol=1e-2)


def test_cheeks_take_the_tone() -> None:
    base, tone = base_layers(), to_linear(np.array(TONES_RGB[-1][::-1], np.float32))
    face = to_linear(base.face)
    toned = face * tone_gain(face, base.landmarks, tone)
    x, y = np.round((base.landmarks[41] + base.landmarks[31]) / 2).astype(int)
    np.testing.assert_allclose(toned[y - 6 : y + 7, x - 6 : x + 7].mean((0, 1)), tone, rtol=0.25)


def test_eyes_keep_more_of_their_light_than_the_skin() -> None:
    base, tone = base_layers(), np.full(3, 0.05, np.float32)
    gain = tone_gain(to_linear(base.face), base.landmarks, tone)
    eye = eye_share(base.landmarks) > 0.95
    assert gain[eye].min() > 1.3 * gain[0, 0].max()


def test_tones_range_from_light_to_dark() -> None:
    tones = [random_tone(np.random.default_rng(seed)) for seed in range(40)]
    luminance = np.array([tone.mean() for _, tone in tones])
    assert luminance.max() > 4 * luminance.min()
    assert np.corrcoef([place for place, _ in tones], luminance)[0, 1] < -0.9


def test_texture_is_never_plain_and_keeps_the_brightness() -> None:
    for seed in range(4):
        gain = texture_gain(base_layers().landmarks, np.random.default_rng(seed))
        assert 0.03 < gain.std() < 0.25
        assert 0.85 < gain.mean() < 1.05
