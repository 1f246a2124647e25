"""`mer bench determinism` finds the differences that there are."""

import json
from collections.abc import Iterator

import pandas as pd
import pytest
import torch
from torch import Tensor

from mer.bench import determinism
from mer.bench.loso import CASES
from mer.datamodule import ClipDataset
from mer.engines import SequentialEngine
from mer.flow import FlowMaps
from mer.protocols import Fold, loso
from tests.runner import run_mer


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps whose differences are known, and trainings of a second."""
    tries: Iterator[int] = iter(range(100))

    def restless(one: Tensor) -> Tensor:
        return one + next(tries)

    def crowded(one: Tensor) -> Tensor:
        return one * len(one)

    maps = (torch.full((2, 3), 1.0),)
    steps = {"still": (maps, torch.clone), "restless": (maps, restless), "crowded": (maps, crowded)}
    monkeypatch.setattr(determinism, "_steps", lambda: steps)
    monkeypatch.setattr(determinism, "CASES", {"STSTNet": CASES["STSTNet"]})
    monkeypatch.setattr(determinism, "ParallelEngine", lambda workers: SequentialEngine())  # workers start in seconds
    monkeypatch.setattr(determinism, "clips_and_folds", few_clips)


def few_clips(roots: object) -> tuple[ClipDataset, list[Fold]]:
    flow = torch.randn(12, 2, 28, 28, generator=torch.Generator().manual_seed(0))
    subjects = pd.DataFrame({"dataset": "random", "subject": [f"s{clip % 3}" for clip in range(12)]})
    return ClipDataset(FlowMaps(flow), torch.arange(12) % 3), loso(subjects)


@pytest.mark.usefixtures("small")
def test_each_difference_is_found_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("bench", "determinism", "--folds", "2", "--epochs", "2")
    result = run_mer(capsys, *words, "--json")
    rows = {row["step"]: row for row in json.loads(result.out)["determinism"]}
    ways = ("again", "threads", "alone")
    assert [rows["still"][way] for way in ways] == [0, 0, 0]
    assert rows["restless"]["again"] > 0
    assert [rows["crowded"][way] for way in ways] == [0, 0, 1]
    sequential, stacked = (rows[f"probabilities, STSTNet, {way}"] for way in ("sequential", "stacked"))
    assert (sequential["again"], sequential["alone"], stacked["again"]) == (0, None, 0)
    assert stacked["alone"] < 1e-2
    assert 0 < sequential["largest"] <= 1
    if not torch.cuda.is_available():
        assert {row["cuda"] for row in rows.values()} == {None}


def test_what_was_not_measured_says_so() -> None:
    row = {"step": "x", "largest": 1.0, "again": 0.0, "threads": 1.25e-7, "alone": None, "cuda": None}
    table = determinism.determinism_table([row], "title")
    assert [next(iter(column.cells)) for column in table.columns] == ["x", "1", "0", "1.2e-07", "-", "not measured"]


@pytest.mark.parametrize("word", ["--folds", "--epochs"])
def test_too_few_are_refused(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "bench", "determinism", word, "1")
    assert result.code == 2
    assert f"{word} to be a number in" in result.err
