"""mer prepare splits, resumes after kill -9, runs beside itself, and looks after the store."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mer.clip import ClipIndex
from mer.preparation import OnClip, Preparation
from mer.store import Store
from tests.fakes import casme2_rows, write_casme2
from tests.runner import run_mer

KILLS = 10


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_casme2(tmp_path_factory.mktemp("data") / "casme2", casme2_rows(subjects=4, clips_per_subject=3))


def words(root: Path, store: Path, *more: str) -> list[str]:
    sizes = ["align.size_px=64", "features.size=28"]
    return ["prepare", "dataset=casme2", f"dataset.root={root}", "align=none", *sizes, f"store={store}", *more]


def content(store: Path) -> dict[str, bytes]:
    """Every file of the store but the index, which is not kept while the dataset's folders are seconds old."""
    files = [path for path in store.rglob("*") if path.is_file() and path.parts[len(store.parts)] != "index"]
    return {str(path.relative_to(store)): path.read_bytes() for path in files}


def test_shards_together_make_what_one_run_makes(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for shard in ("1/3", "2/3", "3/3"):
        told = json.loads(run_mer(capsys, *words(root, tmp_path / "a", f"shard={shard}", "json=true")).out)
        assert told["n_clips"] == 4
    run_mer(capsys, *words(root, tmp_path / "b"))
    whole = content(tmp_path / "b")
    parts = content(tmp_path / "a")
    assert parts == {name: data for name, data in whole.items() if "/flow-" not in name}
    assert sum("key_frames" in name for name in parts) == 12


def test_clips_are_gone_through_once(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[int] = []
    run = Preparation.run

    def counted(self: Preparation, index: ClipIndex, on_clip: OnClip) -> tuple[ClipIndex, list[Path]]:
        runs.append(len(index))
        return run(self, index, on_clip)

    monkeypatch.setattr(Preparation, "run", counted)
    told = json.loads(run_mer(capsys, *words(root, tmp_path / "store", "json=true")).out)
    assert len(told["beyond_bound"]) == 12
    assert runs == [12]


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_shard_that_is_none_is_one_line(
    root: Path, tmp_path: Path, shard: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_mer(capsys, *words(root, tmp_path / "store", f"shard={shard}"))
    assert result.code == 2
    assert "shard=i/n with 1 <= i <= n" in result.err


def test_shard_beyond_the_clips_is_one_line(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, *words(root, tmp_path / "store", "shard=13/13"))
    assert (result.code, "use fewer shards" in result.err) == (2, True)


def test_size_and_prune_tell_and_trim_the_store(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "store"
    run_mer(capsys, *words(root, store))
    told = json.loads(run_mer(capsys, "prepare", "--size", f"store={store}", "json=true").out)
    assert {(step["step"], step["files"]) for step in told["steps"]} >= {("key_frames", 12), ("flow", 12)}
    assert told["bytes"] == sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    assert "key_frames" in run_mer(capsys, "prepare", f"store={store}", "--size").out
    assert run_mer(capsys, "prepare", "--prune", f"store={store}").out.startswith("0 files removed")
    assert "0.0 MB" not in run_mer(capsys, "prepare", "--prune", f"store={store}", "unused_days=0").out
    assert Store(store).usage() == []


def test_unused_days_below_zero_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "prepare", "--prune", f"store={tmp_path}", "unused_days=-1")
    assert (result.code, "unused_days" in result.err) == (2, True)


def start(root: Path, store: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mer", *words(root, store)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for_first_file(store: Path, process: subprocess.Popen[bytes]) -> float:
    while process.poll() is None and not list(store.glob("casme2/*")):
        time.sleep(0.005)
    return time.monotonic()


@pytest.mark.slow
def test_store_after_ten_kills_is_that_of_an_undisturbed_run(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    root = write_casme2(tmp_path / "casme2", casme2_rows(subjects=12, clips_per_subject=12))
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    process = start(root, undisturbed)
    first = wait_for_first_file(undisturbed, process)
    assert process.wait() == 0
    seconds = time.monotonic() - first
    moments = random.Random(0)
    cut_off = 0
    for _ in range(KILLS):
        process = start(root, killed)
        wait_for_first_file(killed, process)
        time.sleep(moments.uniform(0, seconds / 3))
        process.send_signal(signal.SIGKILL)
        cut_off += process.wait() == -signal.SIGKILL
    assert cut_off >= KILLS // 2
    assert start(root, killed).wait() == 0
    assert content(killed) == content(undisturbed)


@pytest.mark.slow
def test_two_runs_at_once_share_a_store(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = [start(root, tmp_path / "shared") for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    run_mer(capsys, *words(root, tmp_path / "alone"))
    assert content(tmp_path / "shared") == content(tmp_path / "alone")
