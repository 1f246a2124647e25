"""Scores from a pooled confusion matrix. Rows are targets, columns predictions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer.errors import MerError

Counts = NDArray[np.int64]


def confusion_matrix(targets: ArrayLike, predictions: ArrayLike, num_classes: int) -> Counts:
    r"""Count targets and predictions ``(N,)`` of class numbers into ``(C, C)``.

    >>> confusion_matrix([0, 0, 1], [0, 1, 1], 2).tolist()
    [[1, 1], [0, 1]]

    Raises:
        MerError: the lengths differ, or a class number is outside 0..C-1.
    """
    rows, columns = _class_numbers(targets, num_classes), _class_numbers(predictions, num_classes)
    if rows.shape != columns.shape or rows.ndim != 1:
        raise MerError("two lists of equal length", f"{rows.shape} and {columns.shape}", "give one prediction a target")
    return np.bincount(rows * num_classes + columns, minlength=num_classes**2).reshape(num_classes, num_classes)


def accuracy(confusion: Counts) -> float:
    r"""Share of clips on the diagonal: :math:`\sum_c n_{cc} / N`.

    >>> accuracy(np.array([[1, 1], [0, 2]]))
    0.75
    """
    return _ratio(np.trace(confusion), confusion.sum())


def f1_per_class(confusion: Counts) -> NDArray[np.float64]:
    r""":math:`F_c = 2 TP_c / (2 TP_c + FP_c + FN_c)`, ``(C,)``; NaN where a class neither occurs nor is predicted."""
    total = confusion.sum(0) + confusion.sum(1)
    return _share(2 * np.diag(confusion), total, np.full(len(total), np.nan))


def recall_per_class(confusion: Counts) -> NDArray[np.float64]:
    r""":math:`R_c = TP_c / N_c`, ``(C,)``; NaN where a class has no clip."""
    support = confusion.sum(1)
    return _share(np.diag(confusion), support, np.full(len(support), np.nan))


def precision_per_class(confusion: Counts) -> NDArray[np.float64]:
    r""":math:`P_c = TP_c / (TP_c + FP_c)`, ``(C,)``; 0 where a class that occurs is never predicted, else NaN."""
    predicted = confusion.sum(0)
    start = np.where(confusion.sum(1) > 0, 0.0, np.nan)
    return _share(np.diag(confusion), predicted, start)


def uf1(confusion: Counts) -> float:
    r"""Unweighted F1 of MEGC2019: mean of :math:`F_c` over the classes that occur or are predicted.

    >>> round(uf1(np.array([[250, 0, 0], [109, 0, 0], [83, 0, 0]])), 4)
    0.2408
    """
    return _mean(f1_per_class(confusion))


def uar(confusion: Counts) -> float:
    r"""Unweighted average recall: mean of :math:`R_c` over the classes that occur.

    >>> round(uar(np.array([[250, 0, 0], [109, 0, 0], [83, 0, 0]])), 4)
    0.3333
    """
    return _mean(recall_per_class(confusion))


def macro_precision(confusion: Counts) -> float:
    r"""Mean of :math:`P_c`, which some tables print as UAR."""
    return _mean(precision_per_class(confusion))


def f1_of_means(confusion: Counts) -> float:
    r"""The other F1 in circulation, :math:`2 P R / (P + R)` of macro-precision P and UAR R."""
    precision, recall = macro_precision(confusion), uar(confusion)
    return _ratio(2 * precision * recall, precision + recall)


def mean_landmark_error(truth: ArrayLike, found: ArrayLike) -> NDArray[np.float64]:
    r"""Landmark error ``(B,)`` normalised by the true points' bounding box (paper, eq. 1-2).

    :math:`AE = \frac{1}{N} \sum_k \lVert x_k - y_k \rVert_2 / \sqrt{w h}`, points ``(B, N, 2)`` in px.

    >>> square = [[[0, 0], [4, 0], [4, 4], [0, 4]]]
    >>> mean_landmark_error(square, np.add(square, [3, 0])).tolist()
    [0.75]

    Raises:
        MerError: the shapes differ, are not ``(B, N, 2)``, or a box is empty.
    """
    true_px, found_px = np.asarray(truth, np.float64), np.asarray(found, np.float64)
    if true_px.shape != found_px.shape or true_px.ndim != 3 or true_px.shape[-1] != 2 or not true_px.size:
        raise MerError("two arrays (B, N, 2)", f"{true_px.shape} and {found_px.shape}", "give points of equal number")
    side_px = np.sqrt(np.ptp(true_px, axis=1).prod(axis=-1))
    if not (side_px > 0).all():
        raise MerError("points that span a box", "a box of no area", "check the true landmarks")
    return np.asarray(np.linalg.norm(true_px - found_px, axis=-1).mean(axis=-1) / side_px)


def summarise(confusion: Counts, classes: Sequence[str]) -> dict[str, object]:
    """All scores of a confusion matrix as plain numbers, NaN as None."""
    columns = {
        "precision": precision_per_class(confusion),
        "recall": recall_per_class(confusion),
        "f1": f1_per_class(confusion),
    }
    return {
        "accuracy": accuracy(confusion),
        "uf1": uf1(confusion),
        "uar": uar(confusion),
        "macro_precision": macro_precision(confusion),
        "f1_of_means": f1_of_means(confusion),
        "n_clips": int(confusion.sum()),
        "per_class": {
            label: {name: _plain(values[row]) for name, values in columns.items()}
            | {"clips": int(confusion[row].sum())}
            for row, label in enumerate(classes)
        },
        "confusion": confusion.tolist(),
    }


def _class_numbers(values: ArrayLike, num_classes: int) -> Counts:
    numbers = np.asarray(values, dtype=np.int64)
    if numbers.size and not (numbers.min() >= 0 and numbers.max() < num_classes):
        raise MerError(
            f"class numbers in 0..{num_classes - 1}", f"{numbers.min()}..{numbers.max()}", "check the labels"
        )
    return numbers


def _share(part: Counts, whole: Counts, empty: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(part, whole, out=empty, where=whole > 0), np.float64)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else 0.0


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
