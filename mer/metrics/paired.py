"""Tests of two runs on the same clips."""

from collections.abc import Mapping, Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError, require_integer
from mer.metrics.functional import Counts, accuracy, confusion_matrix, uar, uf1

_EXACT_SUBJECTS = 12  # up to 2^12 exchanges are all tried
_SCORES = {"accuracy": accuracy, "uf1": uf1, "uar": uar}


def mcnemar(targets: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    r"""Two-sided p of McNemar's exact test: are both runs right on equally many clips?

    Of the clips that one run alone has right, b are the first's and c the second's; under the null hypothesis b is
    binomial(b + c, 1/2), and :math:`p = \min(1, 2 \sum_{k \le \min(b, c)} \binom{b+c}{k} 2^{-(b+c)})`. Clips count as
    independent, which those of one subject are not: ``permutation_test`` exchanges subjects.

    Source: Q. McNemar, Psychometrika 12, 1947, doi 10.1007/BF02295996.

    Args:
        targets: class numbers ``(N,)``.
        first: the first run's predictions ``(N,)``.
        second: the second run's ``(N,)``.

    >>> mcnemar(np.zeros(6, int), np.array([0, 0, 0, 0, 0, 1]), np.array([1, 1, 1, 1, 1, 1]))
    0.0625
    """
    right_first, right_second = first == targets, second == targets
    b, c = int((right_first & ~right_second).sum()), int((right_second & ~right_first).sum())
    tail = sum(comb(b + c, k) for k in range(min(b, c) + 1))
    return min(1.0, float(2 * tail / 2 ** (b + c)))


def permutation_test(
    targets: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    subjects: NDArray[np.object_],
    num_classes: int,
    draws: int = 10_000,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    r"""Paired permutation test of the pooled scores that keeps each subject's clips together.

    Under the null hypothesis the two runs' predictions of a subject may be exchanged. Statistic: the difference d of
    a pooled score, first minus second; two-sided :math:`p = P(|d^*| \ge |d|)` over exchanges of subjects, all
    :math:`2^S` of them for few subjects, else ``draws`` random ones with the true one counted among them.

    Source: E. W. Noreen, Computer-Intensive Methods for Testing Hypotheses, 1989 (approximate randomisation);
    B. Phipson and G. K. Smyth, 2010, doi 10.2202/1544-6115.1585 (why the true one counts).

    Args:
        targets: class numbers ``(N,)``.
        first: the first run's predictions ``(N,)``.
        second: the second run's ``(N,)``.
        subjects: one key a clip ``(N,)``.
        num_classes: number of classes C.
        draws: random exchanges.
        seed: of the draws.

    Returns:
        accuracy, uf1, uar -> (difference, p).
    """
    draws = require_integer("permutation draws", draws, 1, 1_000_000)
    one, two = _by_subject(targets, first, subjects, num_classes), _by_subject(targets, second, subjects, num_classes)
    exchanged, counted = _exchanges(len(one), draws, seed)
    pooled_one = one.sum(axis=0) + np.einsum("ds,sij->dij", exchanged, two - one)
    pooled_two = one.sum(axis=0) + two.sum(axis=0) - pooled_one
    drawn_one, drawn_two = _score_all(pooled_one), _score_all(pooled_two)
    tests = {}
    for name, score in _SCORES.items():
        difference = score(one.sum(axis=0)) - score(two.sum(axis=0))
        as_far = np.abs(drawn_one[name] - drawn_two[name]) >= abs(difference) - 1e-12  # rounding is no difference
        tests[name] = (difference, float((as_far.sum() + counted) / (len(exchanged) + counted)))
    return tests


def holm(p_values: Sequence[float]) -> list[float]:
    r"""Holm's step-down adjusted p: :math:`\tilde p_{(i)} = \max_{j \le i} \min(1, (m - j + 1) p_{(j)})`.

    Source: S. Holm, Scandinavian Journal of Statistics 6, 1979.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]

    Raises:
        MerError: a value is no probability.
    """
    values = np.asarray(p_values, np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise MerError("p-values in [0, 1]", f"{list(p_values)}", "give the tests' p-values")
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(np.minimum(1, values[order] * np.arange(len(values), 0, -1)))
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    return [float(value) for value in adjusted]


def _by_subject(
    targets: NDArray[np.int64], predictions: NDArray[np.int64], subjects: NDArray[np.object_], num_classes: int
) -> Counts:
    """Confusion matrix of each subject, ``(S, C, C)``."""
    chosen = [subjects == one for one in np.unique(subjects)]
    return np.stack([confusion_matrix(targets[rows], predictions[rows], num_classes) for rows in chosen])


def _exchanges(num_subjects: int, draws: int, seed: int) -> tuple[NDArray[np.int64], int]:
    """Which subjects are exchanged ``(D, S)``, 0 or 1; and 1 where the true order is to be counted besides."""
    if num_subjects <= _EXACT_SUBJECTS:
        return np.arange(2**num_subjects)[:, None] >> np.arange(num_subjects) & 1, 0
    return np.random.default_rng(seed).integers(0, 2, (draws, num_subjects)), 1


def _score_all(tables: Counts) -> Mapping[str, NDArray[np.float64]]:
    """``accuracy``, ``uf1`` and ``uar`` of many confusion matrices ``(D, C, C)`` at once, each ``(D,)``."""
    hits, support, predicted = np.einsum("dii->di", tables), tables.sum(axis=2), tables.sum(axis=1)
    return {
        "accuracy": hits.sum(axis=1) / support.sum(axis=1),
        "uf1": _mean_share(2 * hits, support + predicted),
        "uar": _mean_share(hits, support),
    }


def _mean_share(part: Counts, whole: Counts) -> NDArray[np.float64]:
    """Mean of ``part / whole`` over the classes whose whole is not 0."""
    shares = np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
    return np.asarray(shares.sum(axis=1) / (whole > 0).sum(axis=1), np.float64)
