"""Planted signals that only a leak could use: a real training scores at chance, folds over clips do not.

Chance is a half. The bounds leave room for the 12 subjects being few: the honest score must stay below 0.7, the leaky
one must pass 0.85.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from tests.runner import run_mer, train_words

SUBJECTS, CLIPS, SIZE_PX = 12, 6, 16
pytestmark = pytest.mark.slow
CLASSES = ("negative", "positive")
FEW = (
    "features.size=16",
    "model.head_size=4",
    "augment=none",
    "batch_size=16",
    "trainer.max_epochs=10",
    "recognition.optimizer.lr=1e-2",
)
HONEST, LEAKY = 0.7, 0.85


def write_planted(root: Path, code_of: "dict[tuple[int, int], int]", labels: "list[list[int]]") -> Path:
    """Flow images whose pattern is ``code_of[subject, label]`` and some noise, with ``labels[subject][clip]``."""
    root.mkdir(parents=True)
    rng = np.random.default_rng(0)
    patterns = rng.integers(40, 216, (max(code_of.values()) + 1, 4, 4, 3)).astype(np.uint8)
    rows = []
    for subject in range(SUBJECTS):
        for clip, label in enumerate(labels[subject]):
            large = cv2.resize(patterns[code_of[subject, label]], (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_NEAREST)
            image = np.clip(large + rng.normal(0, 8, large.shape), 0, 255).astype(np.uint8)
            name = f"s{subject}_{clip}.png"
            cv2.imwrite(str(root / name), image)
            rows.append(("smic", f"s{subject}", f"clip{clip}", CLASSES[label], name))
    columns = ["dataset", "subject", "clip", "label", "file"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "labels.csv", index=False)
    return root


def accuracy(root: Path, outputs: Path, capsys: pytest.CaptureFixture[str], *protocol: str) -> float:
    result = run_mer(capsys, *train_words(root, outputs, *FEW, "json=true", *protocol))
    assert result.code == 0, result.err
    return float(json.loads(result.out)["accuracy"])


def score_honest_and_leaky(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[float, float]:
    honest = accuracy(root, tmp_path / "honest", capsys, "protocol=subject_kfold", "protocol.k=4")
    by_clip = ("protocol=megc2019", "protocol._target_=tests.protocols.leaky.clip_kfold")
    leaky = accuracy(root, tmp_path / "leaky", capsys, *by_clip)
    return honest, leaky


def test_pattern_of_a_subject_does_not_help(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each subject has one pattern and one class, so that to know the person would be to know the class."""
    usual = [[subject % 2] * CLIPS for subject in range(SUBJECTS)]
    root = write_planted(tmp_path / "data", {(s, label): s for s in range(SUBJECTS) for label in (0, 1)}, usual)
    honest, leaky = score_honest_and_leaky(root, tmp_path, capsys)
    assert leaky > LEAKY
    assert honest < HONEST


def test_signal_that_only_a_test_subject_has_does_not_help(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each subject shows each class by patterns of its own: only its own clips could teach them."""
    code_of = {(s, label): 2 * s + label for s in range(SUBJECTS) for label in (0, 1)}
    root = write_planted(tmp_path / "data", code_of, [[0, 1] * (CLIPS // 2)] * SUBJECTS)
    honest, leaky = score_honest_and_leaky(root, tmp_path, capsys)
    assert leaky > LEAKY
    assert honest < HONEST
