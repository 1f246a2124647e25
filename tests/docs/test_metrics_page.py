"""The figures of docs/background/metrics.md, computed again from the log that they are of."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from mer.metrics import confusion_matrix, f1_of_means, uar, uf1
from tests.docs.commands import ROOT

CLASSES = ["negative", "positive", "surprise"]
PAGE = ROOT / "docs" / "background" / "metrics.md"


def figures() -> dict[str, str]:
    """First and last cell of each row of two cells."""
    rows = re.findall(r"^\| \**([^|*]+?)\** \| \**([\d.]+)\** \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(rows)


@pytest.mark.skipif("MER_REAL_DATA" not in os.environ, reason="the log is not part of the repository")
def test_summaries_of_one_log_are_as_told() -> None:
    log = pd.read_csv(Path(os.environ["MER_REAL_DATA"]) / "reference" / "ststnet_pytorch_predictions.csv")
    folds = [fold for _, fold in log.groupby(["dataset", "subject"])]
    matrix = confusion_matrix(*(_numbers(log[name]) for name in ("target", "prediction")), len(CLASSES))

    def over_folds(**how: object) -> float:
        return float(np.mean([f1_score(one.target, one.prediction, average="macro", **how) for one in folds]))

    of_target = [f1_score(one.target, one.prediction, labels=sorted({*one.target}), average="macro") for one in folds]
    values = [
        (log.target == log.prediction).mean(),
        np.mean([(one.target == one.prediction).mean() for one in folds]),
        uf1(matrix),
        f1_of_means(matrix),
        f1_score(log.target, log.prediction, average="weighted"),
        np.mean(of_target),
        over_folds(),
        over_folds(labels=CLASSES, zero_division=0),
        over_folds(labels=CLASSES, zero_division=1),
    ]
    assert [f"{float(value):.3f}" for value in values] == list(figures().values())
    assert f"{uar(matrix):.3f}" == "0.725"
    present = [one.target.nunique() for one in folds]
    assert (len(folds), present.count(1), present.count(3)) == (68, 23, 16)


def test_the_page_has_nine_summaries() -> None:
    assert len(figures()) == 9


def test_always_negative_on_the_composite_is_as_told() -> None:
    matrix = np.array([[250, 0, 0], [109, 0, 0], [83, 0, 0]])
    assert f"{250 / 442 * 100:.0f} % of the clips" in " ".join(PAGE.read_text(encoding="utf-8").split())
    assert (f"{uf1(matrix):.3f}", f"{uar(matrix):.3f}") == ("0.241", "0.333")


def _numbers(names: pd.Series) -> list[int]:
    return [CLASSES.index(name) for name in names]
