"""Subjects split once into those that a search may look at and those that the result is told of."""

from collections.abc import Sequence

import pandas as pd

from mer.clip import ClipIndex, subject_keys
from mer.errors import MerError, require_integer, require_number
from mer.fingerprint import seed_from
from mer.protocols.balance import deal_subjects
from mer.protocols.folds import Fold, loso, table_of
from mer.protocols.kfold import inner_folds

_LARGEST_SEED = 2**31 - 1


def tuning(clips: pd.DataFrame | ClipIndex, share: float = 0.5, k: int = 5, seed: int = 0) -> list[Fold]:
    """Deal the tuning subjects to k folds, named ``tuning.fold-01`` and so on.

    No clip of a reporting subject is in any of them, neither to train nor to test.

    Args:
        clips: clip index with its labels, which decide the split's balance and nothing else.
        share: of the clips that the tuning subjects hold, about, in [0.1, 0.9].
        k: folds.
        seed: of the split, the same as in :func:`reporting`.

    Raises:
        MerError: a value out of bounds, or fewer than four subjects.
    """
    parts = _split(table_of(clips), share, seed)
    return inner_folds(parts, clips, k, seed)


def reporting(clips: pd.DataFrame | ClipIndex, share: float = 0.5, seed: int = 0) -> list[Fold]:
    """LOSO of the reporting subjects alone: each is tested by a model of all other subjects.

    ``share`` and ``seed`` are those that :func:`tuning` had: then no test subject took part in the search.

    Raises:
        MerError: as :func:`tuning` does.
    """
    table = table_of(clips)
    held_back = _split(table, share, seed).test
    return loso(table, only=set(subject_keys(table.iloc[held_back])))


def require_subjects_kept_back(folds: Sequence[Fold], clips: pd.DataFrame | ClipIndex) -> None:
    """Raise where a search over ``folds`` would leave no subject to report on.

    Raises:
        MerError: every subject has clips in a fold.
    """
    keys = subject_keys(table_of(clips)).to_numpy()
    seen = {key for fold in folds for rows in (fold.train, fold.test) for key in keys[rows]}
    if seen.issuperset(keys):
        got = f"one with all {len(seen)} subjects in its folds"
        raise MerError("a protocol that keeps subjects back from objective=", got, "set protocol=tuning")


def _split(table: pd.DataFrame, share: float, seed: int) -> Fold:
    """Tuning subjects' rows as ``train``, reporting subjects' as ``test``."""
    share = require_number("protocol.share", share, 0.1, 0.9)
    seed = require_integer("protocol.seed", seed, 0, _LARGEST_SEED)
    if (n_subjects := subject_keys(table).nunique()) < 4:
        raise MerError("four subjects or more to tune and to report", f"{n_subjects}", "choose another protocol=")
    group = deal_subjects(table, [share, 1 - share], seed_from(seed, "tuning"))
    return Fold((group == 0).nonzero()[0], (group == 1).nonzero()[0], "tuning")
