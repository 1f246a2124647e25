"""Intervals that respect subjects: clips of one subject are drawn together."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from mer.errors import require_integer
from mer.metrics.functional import Counts, confusion_matrix

Score = Callable[[Counts], float]


def subject_bootstrap(
    targets: NDArray[np.int64],
    predictions: NDArray[np.int64],
    subjects: NDArray[np.object_],
    num_classes: int,
    scores: Mapping[str, Score],
    draws: int = 1000,
    seed: int = 0,
    coverage: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Percentile interval of each score when subjects are drawn with replacement.

    Args:
        targets: class numbers ``(N,)``.
        predictions: class numbers ``(N,)``.
        subjects: one key a clip ``(N,)``.
        num_classes: number of classes C.
        scores: name -> function of a confusion matrix ``(C, C)``.
        draws: bootstrap samples.
        seed: of the draws.
        coverage: of the interval.
    """
    draws = require_integer("bootstrap draws", draws, 1, 1_000_000)
    tables = np.stack(
        [
            confusion_matrix(targets[subjects == one], predictions[subjects == one], num_classes)
            for one in np.unique(subjects)
        ]
    )
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(tables), np.full(len(tables), 1 / len(tables)), size=draws)
    pooled = np.einsum("ds,sij->dij", times, tables)
    tail = 100 * (1 - coverage) / 2
    return {name: _interval([score(table) for table in pooled], tail) for name, score in scores.items()}


def _interval(values: list[float], tail: float) -> tuple[float, float]:
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)
