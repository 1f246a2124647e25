"""The command `mer predict` on videos of fixed landmarks."""

import pytest

from tests.runner import Result, run_mer

LANDMARKS = ("align=dlib", "align.landmarks._target_=tests.predict.faces.FixedLandmarks")


def predict(capsys: pytest.CaptureFixture[str], *words: str) -> Result:
    """Run it."""
    return run_mer(capsys, "predict", *words, *LANDMARKS, "device=cpu")
