"""A tracker in trouble never stops a run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mer.errors import MerError
from mer.protocols.folds import Fold
from mer.tracking import FilesTracker, tracked
from tests.fakes import write_flow_images
from tests.runner import run_mer, train_words

FOLD = Fold(np.array([0]), np.array([1]), "smic-s01")


class Recorder(FilesTracker):
    """Notes what it is told; fails at one step."""

    def __init__(self, fails_at: str = "") -> None:
        self.fails_at = fails_at
        self.told: list[str] = []

    def _note(self, step: str) -> None:
        self.told.append(step)
        if step == self.fails_at:
            raise OSError(28, "No space left on device")

    def open(self, folder: Path, key: str, config: Mapping[str, Any]) -> None:
        self._note("open")

    def fold(self, fold: Fold, folder: Path, is_new: bool) -> None:
        self._note("fold")

    def close(self, metrics: Mapping[str, Any], predictions: pd.DataFrame) -> None:
        self._note("close")

    def fail(self, reason: str) -> None:
        self._note(f"fail: {reason}")


def follow(recorder: Recorder, folder: Path) -> None:
    with tracked(recorder, folder, "key", {}) as tracker:
        tracker.fold(FOLD, folder, True)
        tracker.close({}, pd.DataFrame())


def test_all_is_passed_on(tmp_path: Path) -> None:
    recorder = Recorder()
    follow(recorder, tmp_path)
    assert recorder.told == ["open", "fold", "close"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("step", ["open", "fold", "close"])
def test_tracker_that_fails_is_named_once_and_left_out(
    step: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder(fails_at=step)
    follow(recorder, tmp_path)
    assert recorder.told[-1] == step
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "No space left on device" in err
    assert "run goes on" in err


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyboardInterrupt(), "stopped by Ctrl-C"),
        (MerError("a", "b", "c"), "expected a; got b; c"),
        (ValueError("two\nlines"), "ValueError: two lines"),
    ],
)
def test_run_that_raises_ends_the_tracker_and_keeps_the_reason(
    error: BaseException, reason: str, tmp_path: Path
) -> None:
    recorder = Recorder()
    with pytest.raises(type(error)), tracked(recorder, tmp_path, "key", {}):
        raise error
    assert recorder.told == ["open", f"fail: {reason}"]
    assert json.loads((tmp_path / "failure.json").read_text())["reason"] == reason
    follow(Recorder(), tmp_path)
    assert not (tmp_path / "failure.json").exists()


def test_folder_that_cannot_be_written_does_not_hide_the_reason(tmp_path: Path) -> None:
    gone = tmp_path / "file" / "run"
    (tmp_path / "file").touch()
    with pytest.raises((ZeroDivisionError, NotADirectoryError)), tracked(Recorder(), gone, "key", {}):
        raise ZeroDivisionError


def test_training_goes_on_where_the_tracker_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_flow_images(tmp_path / "data")
    monkeypatch.setattr(FilesTracker, "fold", lambda *_: 1 / 0)
    result = run_mer(capsys, *train_words(tmp_path / "data", tmp_path / "outputs"))
    assert result.code == 0
    assert result.err.count("the tracker stopped (ZeroDivisionError: division by zero)") == 1
    assert len(list((tmp_path / "outputs").glob("tiny/*/metrics.json"))) == 1


def test_failed_training_keeps_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_flow_images(tmp_path / "data")
    assert run_mer(capsys, *train_words(tmp_path / "data", tmp_path / "outputs", "model.depth=99")).code == 2
    (failure,) = (tmp_path / "outputs").glob("tiny/*/failure.json")
    assert "model.depth" in json.loads(failure.read_text())["reason"]


@pytest.mark.parametrize("how", [(), ("share_run=true",), ("-m", "model.depth=1")])
def test_run_whose_tracker_did_not_hear_of_its_end_is_told_to_it_again_and_not_trained_again(
    how: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_flow_images(tmp_path / "data")
    words = [*train_words(tmp_path / "data", tmp_path / "outputs"), *how]

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(FilesTracker, "close", stop)
        assert run_mer(capsys, *words).code != 0
    (metrics,) = [path.with_name("metrics.json") for path in (tmp_path / "outputs").glob("tiny/**/run.json")]
    written = metrics.stat().st_mtime_ns

    told: list[tuple[str, bool]] = []
    with monkeypatch.context() as patched:
        patched.setattr(FilesTracker, "fold", lambda self, fold, folder, is_new: told.append((fold.subject, is_new)))
        patched.setattr(FilesTracker, "close", lambda self, metrics, predictions: told.append(("", "uf1" in metrics)))
        again = run_mer(capsys, *words)
    assert again.code == 0, again.err
    assert told == [("smic-s01", False), ("smic-s02", False), ("", True)]
    assert "complete already" in again.err
    assert "trained" not in again.err
    assert metrics.stat().st_mtime_ns == written
    assert not list(metrics.parent.glob(".tracking"))
