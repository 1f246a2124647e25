"""Pooled scores of micro-expression recognition, and the error of landmarks."""

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
from mer.metrics.modules import UAR, UF1, MeanLandmarkError, PooledScore
from mer.metrics.paired import holm, mcnemar, permutation_test

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
