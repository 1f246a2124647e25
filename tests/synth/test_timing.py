"""Movements start at zero at onset, and the expression is strongest at the apex."""

import numpy as np
import pytest

from mer.synth.timing import bump_profile, drift_profile, expression_profile


def test_expression_is_zero_at_onset_and_strongest_at_apex() -> None:
    profile = expression_profile(24, 10, np.random.default_rng(0))
    assert profile[0] == 0
    assert profile.argmax() == 10
    assert profile[10] == pytest.approx(1)
    assert (np.diff(profile[:11]) >= 0).all()
    assert (np.diff(profile[10:]) <= 0).all()


def test_expression_is_still_before_onset_and_after_offset() -> None:
    profile = expression_profile(24, 10, np.random.default_rng(0), before=3, after=5)
    inside = expression_profile(24, 10, np.random.default_rng(0))
    np.testing.assert_array_equal(profile[3:27], inside)
    assert not profile[:3].any()
    assert (profile[27:] == profile[26]).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("around", [0, 4])
def test_disturbances_start_at_zero_and_stay_within_one(seed: int, around: int) -> None:
    rng = np.random.default_rng(seed)
    for profile in (bump_profile(24, rng, around, around)[:, None], drift_profile(24, 2, rng, around, around)):
        inside = profile[around : around + 24]
        assert len(profile) == 24 + 2 * around
        assert np.abs(inside[0]).max() == 0
        assert np.linalg.norm(inside, axis=1).max() == pytest.approx(1, abs=1e-5)
