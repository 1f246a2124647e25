"""Runs on disk: which are finished, and what became of the others."""

import fcntl
import json
from pathlib import Path

import pytest

from mer.errors import MerError
from mer.runs import UnfinishedRun, find_runs, find_unfinished
from tests.fakes.runs import write_run


def test_unfinished_runs_are_found_with_their_state(tmp_path: Path) -> None:
    write_run(tmp_path / "done")
    stopped = write_run(tmp_path / "stopped", finished=False)
    failed = write_run(tmp_path / "failed", finished=False)
    (failed / "failure.json").write_text(json.dumps({"reason": "out of memory", "ended": "now"}))
    (stopped / "folds" / ".smic-s06.part").mkdir()
    (stopped / "folds" / ".smic-s06.part" / "metrics.json").touch()
    assert find_unfinished([tmp_path]) == [
        UnfinishedRun(failed, "failed: out of memory", 5),
        UnfinishedRun(stopped, "stopped", 5),
    ]


def test_run_that_holds_its_lock_is_running(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", finished=False)
    with (run / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert find_unfinished([tmp_path])[0].state == "running"
    assert find_unfinished([tmp_path])[0].state == "stopped"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_reason_that_cannot_be_read_is_no_trouble(text: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", finished=False)
    (run / "failure.json").write_text(text)
    assert find_unfinished([tmp_path])[0].state == "stopped"


def test_folder_without_finished_runs_is_refused_unless_it_holds_others(tmp_path: Path) -> None:
    write_run(tmp_path / "a" / "run", finished=False)
    (tmp_path / "b").mkdir()
    others = find_unfinished([tmp_path])
    assert find_runs([tmp_path / "a"], but_for=others) == []
    for path, but_for in ((tmp_path / "a", ()), (tmp_path / "b", others)):
        with pytest.raises(MerError, match="finished runs"):
            find_runs([path], but_for=but_for)
