"""Clip tables for the protocols' tests."""

import numpy as np
import pandas as pd

CLASSES = ("negative", "positive", "surprise")


def published_clips(seed: int = 0, n_subjects: int = 26) -> pd.DataFrame:
    """CASME II's clips a subject, with classes that lean differently in each subject, in no order of rows."""
    counts = (9, 13, 7, 5, 19, 5, 9, 3, 13, 13, 10, 12, 8, 4, 3, 4, 34, 3, 15, 11, 2, 2, 12, 8, 7, 16)[:n_subjects]
    rng = np.random.default_rng(seed)
    rows = [
        ("casme2", f"sub{number + 1:02d}", label)
        for number, count in enumerate(counts)
        for label in rng.choice(CLASSES, count, p=rng.dirichlet((3, 1, 1)))
    ]
    table = pd.DataFrame(rows, columns=["dataset", "subject", "label"])
    return table.iloc[rng.permutation(len(table))]


def subjects_of(clips: pd.DataFrame, rows: np.ndarray) -> set[str]:
    return set((clips["dataset"] + "-" + clips["subject"]).to_numpy()[rows])
