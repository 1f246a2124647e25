"""Subject-disjoint k-fold: for data with too many subjects for LOSO, and inside the training clips of another fold."""

import numpy as np
import pandas as pd

from mer.clip import ClipIndex, subject_keys
from mer.errors import MerError, require_integer
from mer.fingerprint import seed_from
from mer.protocols.balance import deal_subjects
from mer.protocols.folds import Fold, loso, table_of

_LARGEST_SEED = 2**31 - 1


def subject_kfold(clips: pd.DataFrame | ClipIndex, k: int = 5, seed: int = 0) -> list[Fold]:
    """Deal whole subjects to k folds, ``fold-01`` to ``fold-k``, alike in clips and classes.

    Args:
        clips: clip index with its labels, for :func:`~mer.protocols.balance.deal_subjects`.
        k: number of folds, 2 to the number of subjects.
        seed: of the dealing, apart from the run's seed: runs that differ in that one alone keep their folds.

    Raises:
        MerError: ``k`` or ``seed`` is out of bounds.
    """
    table = table_of(clips)
    n_subjects = subject_keys(table).nunique()
    if n_subjects < 2:
        raise MerError("two subjects or more for k folds", f"{n_subjects}", "add clips or subjects")
    k = require_integer("protocol.k", k, 2, n_subjects)
    seed = require_integer("protocol.seed", seed, 0, _LARGEST_SEED)
    group = deal_subjects(table, [1 / k] * k, seed)
    return [
        Fold(np.flatnonzero(group != one), np.flatnonzero(group == one), f"fold-{one + 1:0{max(2, len(str(k)))}d}")
        for one in range(k)
    ]


def inner_folds(fold: Fold, clips: pd.DataFrame | ClipIndex, k: int = 5, seed: int = 0) -> list[Fold]:
    """Deal the training subjects of ``fold`` to k folds, for those who tune: its test clips are in none.

    Each is named ``<fold>.fold-01`` and so on; its rows are those of ``clips``.

    Raises:
        MerError: as :func:`subject_kfold` does, of the training subjects.
    """
    training = table_of(clips).iloc[fold.train]
    return [
        Fold(fold.train[inner.train], fold.train[inner.test], f"{fold.subject}.{inner.subject}")
        for inner in subject_kfold(training, k, seed_from(seed, fold.subject))
    ]


def inner_split(fold: Fold, clips: pd.DataFrame | ClipIndex, k: int = 5, seed: int = 0) -> Fold:
    """The training clips of ``fold`` in two, no subject in both: ``train``, and about 1/k of them as ``test``.

    Raises:
        MerError: as :func:`inner_folds` does.
    """
    return inner_folds(fold, clips, k, seed)[0]


def inner(clips: pd.DataFrame | ClipIndex, left_out: str, k: int = 5, seed: int = 0) -> list[Fold]:
    """The inner folds of the LOSO fold that leaves ``left_out`` out: what nested tuning looks at for that subject.

    Raises:
        MerError: ``left_out`` is no subject, or as :func:`inner_folds` does.
    """
    (outer,) = loso(clips, only=[left_out])
    return inner_folds(outer, clips, k, seed)
