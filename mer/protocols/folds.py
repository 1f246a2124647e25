"""Folds: which clips train, which are left out; no person is ever in both."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer.clip import ClipIndex, subject_keys
from mer.errors import MerError

_NAMES_SHOWN = 3


@dataclass(frozen=True)
class Fold:
    """One training and its test.

    Attributes:
        train: row numbers of the training clips.
        test: row numbers of the clips that are predicted.
        subject: names the fold, its folder and its seed: under LOSO the subject left out (``dataset-subject``), else
            what the protocol says (``fold-01``, or a dataset's name).
    """

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    subject: str


def table_of(clips: pd.DataFrame | ClipIndex) -> pd.DataFrame:
    """The rows of a clip index, or the rows themselves."""
    return clips.clips if isinstance(clips, ClipIndex) else clips


def loso(clips: pd.DataFrame | ClipIndex, only: Collection[str] | None = None) -> list[Fold]:
    """One fold a subject, in the subjects' order of name: its clips are the test, all others the training set.

    Args:
        clips: clip index; subjects of two datasets are different people even where their names are equal.
        only: the subjects (``dataset-subject``) whose folds are wanted; None for all.

    Raises:
        MerError: fewer than two subjects, or ``only`` names none or one that has no clip.
    """
    keys = subject_keys(table_of(clips)).to_numpy()
    subjects = sorted(set(keys))
    if len(subjects) < 2:
        raise MerError("two subjects or more for LOSO", f"{len(subjects)}", "add clips or choose another protocol=")
    wanted = subjects if only is None else require_subjects("protocol.only", only, subjects)
    return [Fold(np.flatnonzero(keys != one), np.flatnonzero(keys == one), one) for one in wanted]


def leave_one_dataset_out(clips: pd.DataFrame | ClipIndex) -> list[Fold]:
    """One fold a dataset, named after it: the model has seen no clip of the dataset that it is tested on.

    Raises:
        MerError: fewer than two datasets.
    """
    datasets = table_of(clips)["dataset"].astype(str).to_numpy()
    names = sorted(set(datasets))
    if len(names) < 2:
        raise MerError("two datasets or more", f"{len(names)}", "join them with dataset=composite or dataset.roots=")
    return [Fold(np.flatnonzero(datasets != one), np.flatnonzero(datasets == one), one) for one in names]


def require_subjects(name: str, given: Collection[str], subjects: Collection[str]) -> list[str]:
    """Return ``given`` in the order of ``subjects``, which hold them all.

    Raises:
        MerError: one is unknown, or none is given.
    """
    unknown = sorted({str(one) for one in given}.difference(subjects))
    if unknown or not given:
        few = ", ".join(sorted(subjects)[:_NAMES_SHOWN])
        got = unknown[0] if unknown else "none"
        raise MerError(f"{name} to be of the {len(subjects)} subjects ({few}, ...)", got, f"set {name} to these")
    return [one for one in subjects if one in given]
