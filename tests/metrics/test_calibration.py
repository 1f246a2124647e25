"""Temperature and calibration error against scipy, definitions written out, and closed forms."""

import doctest
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from mer.errors import MerError
from mer.metrics import calibration
from mer.metrics.calibration import (
    HIGHEST,
    LOWEST,
    calibrate,
    cross_fitted,
    error_if_calibrated,
    expected_calibration_error,
    fit_temperature,
    log_probabilities,
    negative_log_likelihood,
    tempered,
)

Values = NDArray[np.float64]


def too_sure(seed: int, sureness: float, n_clips: int = 400) -> tuple[Values, NDArray[np.int64]]:
    """Logits ``sureness`` times as large as those that the targets were drawn from."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n_clips, 3))
    targets = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)  # drawn from softmax(logits)
    return logits * sureness, targets


def nll(temperature: float, logits: Values, targets: NDArray[np.int64]) -> float:
    return float(-log_softmax(logits / temperature, axis=1)[np.arange(len(targets)), targets].mean())


@pytest.mark.parametrize("sureness", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("seed", range(3))
def test_temperature_is_scipys_minimum_of_the_likelihood(seed: int, sureness: float) -> None:
    logits, targets = too_sure(seed, sureness, 60)
    bounds = (math.log(LOWEST), math.log(HIGHEST))
    found = minimize_scalar(
        lambda log_t: nll(math.exp(log_t), logits, targets), bounds=bounds, method="bounded", options={"xatol": 1e-9}
    )
    assert fit_temperature(logits, targets) == pytest.approx(math.exp(found.x), rel=1e-4)


def test_temperature_undoes_how_sure_logits_are() -> None:
    logits, targets = too_sure(0, 5.0, 20_000)
    assert fit_temperature(logits, targets) == pytest.approx(5, rel=0.05)


def test_temperature_stays_in_bounds_where_no_finite_one_is_best() -> None:
    logits, right = np.array([[0.1, 0.0], [0.0, 0.2]]), np.array([0, 1])
    assert fit_temperature(logits, right) == pytest.approx(LOWEST)
    assert fit_temperature(logits, 1 - right) == pytest.approx(HIGHEST)


def test_calibration_error_is_its_definition_bin_by_bin() -> None:
    rng = np.random.default_rng(1)
    probabilities, targets = rng.dirichlet(np.ones(4), 300), rng.integers(0, 4, 300)
    confidence, right = probabilities.max(1), probabilities.argmax(1) == targets
    expected = 0.0
    for number in range(15):
        inside = (confidence > number / 15) & (confidence <= (number + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert expected_calibration_error(probabilities, targets) == pytest.approx(expected)


def test_certainty_lies_in_the_last_bin() -> None:
    sure = np.array([[1.0, 0.0]] * 4)
    assert expected_calibration_error(sure, np.array([0, 0, 0, 1])) == pytest.approx(0.25)


@pytest.mark.parametrize("n_clips", [1, 20, 45, 400])
def test_error_if_calibrated_is_the_mean_over_outcomes_drawn_from_the_probabilities(n_clips: int) -> None:
    rng = np.random.default_rng(2)
    probabilities = rng.dirichlet(np.ones(3) / 2, n_clips)
    drawn = []
    for _ in range(2000):
        targets = (rng.random((n_clips, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
        drawn.append(expected_calibration_error(probabilities, targets))
    margin = 4 * float(np.std(drawn)) / math.sqrt(len(drawn))
    assert error_if_calibrated(probabilities) == pytest.approx(np.mean(drawn), abs=margin + 1e-12)


def test_few_clips_have_an_error_by_chance_and_many_have_none() -> None:
    rng = np.random.default_rng(3)
    few, many = (error_if_calibrated(rng.dirichlet(np.ones(3), n_clips)) for n_clips in (45, 20_000))
    assert few > 0.08
    assert many < 0.01
    assert error_if_calibrated(np.array([[1.0, 0.0]] * 3)) == 0


def test_likelihood_is_the_mean_of_its_logarithms() -> None:
    probabilities = np.array([[0.5, 0.5], [0.2, 0.8]])
    assert negative_log_likelihood(probabilities, np.array([0, 1])) == pytest.approx(-np.log([0.5, 0.8]).mean())


def test_logits_of_probabilities_give_them_back() -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    np.testing.assert_allclose(tempered(log_probabilities(probabilities), 1.0), probabilities, atol=1e-6)


def test_probability_of_zero_stays_finite() -> None:
    logits = log_probabilities(np.array([[1.0, 0.0]]))
    assert logits[0, 1] == pytest.approx(math.log(5e-7))


def test_cross_fitting_takes_no_clip_of_the_subject_itself() -> None:
    logits, targets = too_sure(3, 3.0, 60)
    subjects = np.array(["a", "b", "c"] * 20, object)
    found = cross_fitted(logits, targets, subjects)
    for name in "abc":
        own = subjects == name
        other_targets = np.where(own, (targets + 1) % 3, targets)  # what its own clips are makes no difference
        np.testing.assert_array_equal(found[own], cross_fitted(logits, other_targets, subjects)[own])
        expected = softmax(logits[own] / fit_temperature(logits[~own], targets[~own]), axis=1)
        np.testing.assert_allclose(found[own], expected)


def test_calibration_mends_what_is_too_sure() -> None:
    logits, targets = too_sure(4, 4.0, 2000)
    subjects = np.repeat([f"s{number}" for number in range(20)], 100)
    result = calibrate(softmax(logits, axis=1), targets, subjects.astype(object))
    assert result.temperature == pytest.approx(4, rel=0.15)
    assert result.after.ece < 0.06 < 0.2 < result.before.ece
    assert result.after.nll <= result.cross_fitted.nll < result.before.nll
    assert 0 < result.after.ece_if_calibrated < 0.03
    assert result.before.nll == pytest.approx(nll(1.0, logits, targets), rel=1e-2)


@pytest.mark.parametrize("row", [[0.5, 0.6], [1.5, -0.5], [np.nan, 1.0], [np.inf, 0.0], [0.0, 0.0]])
def test_rows_that_are_no_probabilities_are_named(row: list[float]) -> None:
    with pytest.raises(MerError, match="row 2"):
        calibrate(np.array([[0.5, 0.5], row]), np.array([0, 1]), np.array(["a", "b"], object))


def test_one_subject_cannot_be_cross_fitted() -> None:
    with pytest.raises(MerError, match="two subjects"):
        calibrate(np.full((3, 2), 0.5), np.array([0, 1, 1]), np.array(["a"] * 3, object))


def test_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(calibration).failed == 0
