"""`mer train share_run=true`: several processes share a run's folds, and end with one process's predictions."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from mer.claims import Claims
from tests.fakes import write_flow_images
from tests.runner import only_run, run_mer, start_mer, train_words

SUBJECTS = 5


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_flow_images(tmp_path / "data", subjects=SUBJECTS, clips_per_subject=3)
    return tmp_path / "data"


def complete_folds(outputs: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in outputs.glob("tiny/*/folds/smic*/predictions.csv")}


def test_shared_run_is_that_of_one_process_and_is_not_done_again(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_mer(capsys, *train_words(root, tmp_path / "alone")).code == 0
    words = train_words(root, tmp_path / "shared", "json=true")
    first = run_mer(capsys, *words, "share_run=true")
    shared = only_run(tmp_path / "shared")
    assert json.loads(first.out)["run"] == str(shared)
    assert (shared / "predictions.csv").read_bytes() == (only_run(tmp_path / "alone") / "predictions.csv").read_bytes()
    assert not list(shared.glob(".claims*"))

    for again in ("share_run=true", "worker=7"):
        late = run_mer(capsys, *words, again)
        assert "complete already" in late.err
        assert json.loads(late.out)["run"] == str(shared)


def test_shared_run_that_lacks_a_fold_trains_that_one_alone(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = train_words(root, tmp_path / "shared", "share_run=true")
    assert run_mer(capsys, *words).code == 0
    shared = only_run(tmp_path / "shared")
    kept = (shared / "predictions.csv").read_bytes()
    (shared / "metrics.json").unlink()
    (shared / "folds" / "smic-s02").rename(tmp_path / "away")
    assert run_mer(capsys, *words).err.count(": trained") == 1
    assert (shared / "predictions.csv").read_bytes() == kept


def wait_for_claim(outputs: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not list(outputs.glob("tiny/*/.claims/*")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.slow
def test_fold_of_a_killed_process_is_taken_over_and_nothing_else_trained_twice(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    epochs = "trainer.max_epochs=30"
    words = train_words(root, tmp_path / "shared", "share_run=true", epochs)
    killed, living = (start_mer(*words, folder=tmp_path) for _ in range(2))
    try:
        wait_for_claim(tmp_path / "shared", killed)
        while len(complete_folds(tmp_path / "shared")) < 2:
            assert living.poll() is None or killed.poll() is None
            time.sleep(0.005)
        killed.send_signal(signal.SIGKILL)
        told = [killed.communicate()[1]]
        before = complete_folds(tmp_path / "shared")
        told.append(living.communicate(timeout=300)[1])
    finally:
        killed.kill()
        living.kill()
    assert living.returncode == 0, told[1]
    after = complete_folds(tmp_path / "shared")
    assert {name: after[name] for name in before} == before
    assert len(after) == SUBJECTS
    assert not list((only_run(tmp_path / "shared") / "folds").glob(".*"))

    assert run_mer(capsys, *train_words(root, tmp_path / "alone", epochs)).code == 0
    paths = [only_run(tmp_path / name) / "predictions.csv" for name in ("shared", "alone")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.slow
def test_three_processes_train_each_fold_once(root: Path, tmp_path: Path) -> None:
    words = train_words(root, tmp_path / "shared", "share_run=true", "trainer.max_epochs=20")
    processes = [start_mer(*words, folder=tmp_path) for _ in range(3)]
    told = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], told
    assert sum(err.count(": trained") for _, err in told) == SUBJECTS
    assert all("5 folds pooled" in out for out, _ in told)


def test_run_shared_with_a_process_elsewhere_waits_for_its_fold(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine trains one fold: here played by a claim, and by the fold that a first run has made."""
    words = train_words(root, tmp_path / "shared", "share_run=true")
    run_mer(capsys, *words)
    shared = only_run(tmp_path / "shared")
    (shared / "metrics.json").unlink()
    theirs = shared / "folds" / "smic-s03"
    theirs.rename(tmp_path / "theirs")
    with Claims(shared / ".claims") as elsewhere:
        assert elsewhere.take("smic-s03")
        monkeypatch.setattr("time.sleep", lambda _: (tmp_path / "theirs").rename(theirs))
        told = run_mer(capsys, *words)
    assert told.code == 0
    assert "waiting for 1 held elsewhere: smic-s03" in told.err
    assert told.err.count(": trained") == 0
