"""Leave-one-subject-out folds."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer.clip import ClipIndex, subject_keys
from mer.errors import MerError


@dataclass(frozen=True)
class Fold:
    """Row numbers of the training and test clips, and the subject left out (``dataset-subject``)."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    subject: str


def loso(clips: pd.DataFrame | ClipIndex) -> list[Fold]:
    """One fold a subject, in the subjects' order of name: its clips are the test, all others the training set.

    Args:
        clips: clip index; subjects of two datasets are different people even where their names are equal.

    Raises:
        MerError: fewer than two subjects.
    """
    table = clips.clips if isinstance(clips, ClipIndex) else clips
    keys = subject_keys(table).to_numpy()
    subjects = sorted(set(keys))
    if len(subjects) < 2:
        raise MerError("two subjects or more for LOSO", f"{len(subjects)}", "add clips or choose another protocol=")
    return [Fold(np.flatnonzero(keys != one), np.flatnonzero(keys == one), one) for one in subjects]
