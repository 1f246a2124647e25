"""Curves pooled over folds."""

import pandas as pd

from mer.report.curves import pool_curves


def test_folds_without_epochs_have_no_curve() -> None:
    header = pd.DataFrame(columns=["epoch", "train_loss", "train_accuracy"])
    assert pool_curves([header, header]).empty
    trained = pd.DataFrame({"epoch": [0, 1], "train_loss": [2.0, 1.0], "train_accuracy": [0.5, 0.75]})
    pd.testing.assert_frame_equal(pool_curves([trained, header]), pool_curves([trained]))
