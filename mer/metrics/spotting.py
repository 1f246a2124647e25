"""Spotting: intervals found in a long video beside the true ones, as MEGC counts them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class SpottingCounts(NamedTuple):
    """Hits, false alarms and misses; of several videos they are added up first.

    Attributes:
        hits: spotted intervals that are matched with a true one.
        spotted: all spotted intervals.
        true: all true intervals.
    """

    hits: int
    spotted: int
    true: int

    @property
    def recall(self) -> float:
        """``hits / true``; NaN where there is none."""
        return self.hits / self.true if self.true else float("nan")

    @property
    def precision(self) -> float:
        """``hits / spotted``; NaN where none was spotted."""
        return self.hits / self.spotted if self.spotted else float("nan")

    @property
    def f1(self) -> float:
        """``2 hits / (spotted + true)``; NaN where there are neither."""
        return 2 * self.hits / (self.spotted + self.true) if self.spotted + self.true else float("nan")


def interval_iou(one: NDArray[np.integer], other: NDArray[np.integer]) -> NDArray[np.float64]:
    """Intersection over union ``(n, m)`` of closed frame intervals ``(n, 2)`` and ``(m, 2)``."""
    first = np.maximum(one[:, None, 0], other[None, :, 0])
    last = np.minimum(one[:, None, 1], other[None, :, 1])
    both = np.clip(last - first + 1, 0, None)
    lengths = (np.diff(one)[:, 0] + 1)[:, None] + (np.diff(other)[:, 0] + 1)[None]
    return np.asarray(both / (lengths - both), np.float64)


def match_intervals(
    spotted: Sequence[tuple[int, int]], true: Sequence[tuple[int, int]], least_iou: float = 0.5
) -> list[tuple[int, int]]:
    """Pairs (row of ``spotted``, row of ``true``) of an IoU of ``least_iou`` or more, each row in one pair at most.

    The largest IoU is paired first. Source of the measure: Li et al., MEGC2019, Spotting challenge,
    doi 10.1109/FG.2019.8756626, which counts a spotted interval as a hit at an IoU of 0.5.

    Args:
        spotted: closed intervals (first frame, last frame).
        true: the same.
        least_iou: above 0.
    """
    iou = interval_iou(np.reshape(spotted, (-1, 2)).astype(int), np.reshape(true, (-1, 2)).astype(int))
    pairs: list[tuple[int, int]] = []
    for flat in np.argsort(-iou, axis=None, kind="stable"):
        row, column = divmod(int(flat), len(true))
        if iou[row, column] < least_iou:
            break
        if all(row != one and column != other for one, other in pairs):
            pairs.append((row, column))
    return pairs


def spotting_counts(
    spotted: Sequence[tuple[int, int]], true: Sequence[tuple[int, int]], least_iou: float = 0.5
) -> SpottingCounts:
    """Hits, spotted and true intervals of one video; see :func:`match_intervals`."""
    return SpottingCounts(len(match_intervals(spotted, true, least_iou)), len(spotted), len(true))
