"""How far probabilities can be believed: calibration error, and the one temperature that mends it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError

Values = NDArray[np.float64]
Numbers = NDArray[np.int64]

BINS = 15
LOWEST, HIGHEST = 1e-2, 1e2  # temperatures; predictions that are all right, or worse than chance, have none inside
SMALLEST = 5e-7  # probability: half the last digit that predictions.csv holds
_HALVINGS = 60


@dataclass(frozen=True)
class Fit:
    """How well probabilities fit what was true.

    Attributes:
        ece: expected calibration error, in [0, 1].
        ece_if_calibrated: what it would be on average, were these probabilities the true ones: on few clips far from 0.
        nll: mean negative log-likelihood of the true class, in nats.
    """

    ece: float
    ece_if_calibrated: float
    nll: float


@dataclass(frozen=True)
class Calibration:
    """A temperature, and what it does to the predictions that it was fitted on.

    Attributes:
        temperature: T; above 1 the probabilities were too sure.
        before: fit of the probabilities as predicted.
        after: fit with T, on the clips that T was fitted on: a little too good.
        cross_fitted: fit where each subject's T comes from the other subjects: what a new subject can expect.
    """

    temperature: float
    before: Fit
    after: Fit
    cross_fitted: Fit


def calibrate(probabilities: Values, targets: Numbers, subjects: NDArray[np.object_]) -> Calibration:
    """Fit a temperature to predictions of clips that the predicting network was not trained on.

    Args:
        probabilities: ``(N, C)``.
        targets: class numbers ``(N,)``.
        subjects: one key a clip ``(N,)``.

    Raises:
        MerError: rows that are no probabilities, or fewer than two subjects.
    """
    logits = log_probabilities(probabilities)
    temperature = fit_temperature(logits, targets)
    return Calibration(
        temperature,
        _fit(tempered(logits, 1.0), targets),
        _fit(tempered(logits, temperature), targets),
        _fit(cross_fitted(logits, targets, subjects), targets),
    )


def log_probabilities(probabilities: Values) -> Values:
    """Logits up to a constant a clip, ``(N, C)``: the probabilities' logarithms, those below 5e-7 taken as 5e-7.

    Raises:
        MerError: a value is outside [0, 1] or no number, or a row does not sum to 1.
    """
    table = np.asarray(probabilities, np.float64)
    sums = table.sum(axis=1)
    if not ((table >= 0) & (table <= 1)).all() or not (np.abs(sums - 1) < 1e-3).all():
        wrong = int(np.argmax(~((table >= 0) & (table <= 1)).all(axis=1) | ~(np.abs(sums - 1) < 1e-3)))
        expected = "probabilities in [0, 1] that sum to 1 on every row"
        raise MerError(expected, f"row {wrong + 1}: {table[wrong].tolist()}", "let `mer train` write predictions.csv")
    return np.log(np.maximum(table, SMALLEST))


def fit_temperature(logits: Values, targets: Numbers) -> float:
    r"""T > 0 that minimises the negative log-likelihood of ``softmax(logits / T)``, inside [0.01, 100].

    In :math:`\beta = 1/T` the mean of :math:`\log \sum_c e^{\beta z_c} - \beta z_y` is convex; its slope
    :math:`\sum_c p_c z_c - z_y` is brought to 0 by halving an interval of :math:`\log \beta`.

    Source: Guo et al., On calibration of modern neural networks, ICML 2017, arXiv 1706.04599, section 4.2.

    Args:
        logits: ``(N, C)``.
        targets: class numbers ``(N,)``.

    >>> two, sure = np.array([0, 1, 0, 0]), np.log([[0.9, 0.1]] * 4)
    >>> round(fit_temperature(sure, two), 3)  # right 3 times in 4: ln(9) / T = ln(3)
    2.0
    """
    true = logits[np.arange(len(targets)), targets]
    low, high = np.log(1 / HIGHEST), np.log(1 / LOWEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        expected = (tempered(logits, float(np.exp(-middle))) * logits).sum(axis=1)
        if (expected - true).mean() < 0:
            low = middle
        else:
            high = middle
    return float(np.exp(-(low + high) / 2))


def tempered(logits: Values, temperature: float) -> Values:
    """``softmax(logits / T)``, ``(N, C)``."""
    scaled = logits / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def cross_fitted(logits: Values, targets: Numbers, subjects: NDArray[np.object_]) -> Values:
    """Probabilities ``(N, C)`` of each subject's clips at the temperature that the other subjects' clips give.

    Raises:
        MerError: fewer than two subjects.
    """
    names = np.unique(subjects)
    if len(names) < 2:
        raise MerError("predictions of two subjects or more", f"{len(names)}", "calibrate a run of more subjects")
    probabilities = np.empty_like(logits)
    for name in names:
        own = subjects == name
        probabilities[own] = tempered(logits[own], fit_temperature(logits[~own], targets[~own]))
    return probabilities


def expected_calibration_error(probabilities: Values, targets: Numbers, bins: int = BINS) -> float:
    r"""Gap between confidence and accuracy: :math:`\sum_b \frac{n_b}{N} |\mathrm{acc}_b - \mathrm{conf}_b|`.

    A clip's confidence is its largest probability. Bin b of ``bins`` equal ones holds the clips with confidence in
    ((b - 1) / bins, b / bins]; ``acc_b`` is the share of them that is right, ``conf_b`` their mean confidence.

    Source: Naeini, Cooper and Hauskrecht, AAAI 2015; Guo et al. 2017, eq. 3 (15 bins).

    Args:
        probabilities: ``(N, C)``.
        targets: class numbers ``(N,)``.
        bins: number of bins.

    >>> round(expected_calibration_error(np.array([[0.9, 0.1]] * 4), np.array([0, 1, 0, 0])), 4)
    0.15
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    number = _bin_numbers(confidence, bins)
    gaps = np.bincount(number, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(targets))


def error_if_calibrated(probabilities: Values, bins: int = BINS) -> float:
    r"""Mean of :func:`expected_calibration_error` were each clip right with its confidence as probability.

    With k_b clips of bin b right, :math:`\frac{1}{N} \sum_b E|k_b - \sum_{i \in b} \mathrm{conf}_i|`, exactly, as k_b
    is a sum of independent events of these probabilities. The gap of few clips is seldom 0, so neither is this: an
    error no larger tells of nothing wrong.

    Source: Broecker and Smith 2007, doi 10.1175/WAF993.1, who draw such outcomes.

    Args:
        probabilities: ``(N, C)``.
        bins: number of bins.

    >>> error_if_calibrated(np.array([[0.5, 0.5]] * 2))  # none, one or both right: gaps of 1/2, 0, 1/2
    0.25
    """
    confidence = probabilities.max(axis=1)
    number = _bin_numbers(confidence, bins)
    return sum(_mean_gap(confidence[number == one]) for one in np.unique(number)) / len(confidence)


def negative_log_likelihood(probabilities: Values, targets: Numbers) -> float:
    """Mean of ``-ln p`` of the true class, in nats."""
    true = probabilities[np.arange(len(targets)), targets]
    return float(-np.log(np.maximum(true, np.finfo(np.float64).tiny)).mean())


def _fit(probabilities: Values, targets: Numbers) -> Fit:
    return Fit(
        expected_calibration_error(probabilities, targets),
        error_if_calibrated(probabilities),
        negative_log_likelihood(probabilities, targets),
    )


def _bin_numbers(confidence: Values, bins: int) -> Numbers:
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def _mean_gap(confidence: Values) -> float:
    """Mean distance of the number of clips that are right from the sum of their probabilities ``(n,)`` to be."""
    chances = np.ones(1)  # of 0, 1, ... clips
    for one in confidence:
        chances = np.convolve(chances, (1 - one, one))
    return float(chances @ np.abs(np.arange(len(chances)) - confidence.sum()))
