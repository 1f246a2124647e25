"""Pooled scores of micro-expression recognition, and the error of landmarks."""

from importlib import import_module
from typing import TYPE_CHECKING

from mer.metrics.bootstrap import subject_bootstrap
from mer.metrics.functional import (
    accuracy,
    confusion_matrix,
    f1_of_means,
    f1_per_class,
    macro_precision,
    mean_landmark_error,
    precision_per_class,
    recall_per_class,
    summarise,
    uar,
    uf1,
)
from mer.metrics.paired import holm, mcnemar, permutation_test

if TYPE_CHECKING:
    from mer.metrics.modules import UAR, UF1, MeanLandmarkError, PooledScore

__all__ = [
    "UAR",
    "UF1",
    "MeanLandmarkError",
    "PooledScore",
    "accuracy",
    "confusion_matrix",
    "f1_of_means",
    "f1_per_class",
    "holm",
    "macro_precision",
    "mcnemar",
    "mean_landmark_error",
    "permutation_test",
    "precision_per_class",
    "recall_per_class",
    "subject_bootstrap",
    "summarise",
    "uar",
    "uf1",
]

_TORCHMETRICS = ("UAR", "UF1", "MeanLandmarkError", "PooledScore")


def __getattr__(name: str) -> object:
    """The torchmetrics modules, on first use: torch takes seconds to import, and scores of a CSV need none of it."""
    if name in _TORCHMETRICS:
        return getattr(import_module("mer.metrics.modules"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
