"""One process has a task at a time, whatever dies, stops or disagrees about the time."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from pathlib import Path

import pytest

from mer.claims import Alone, Claims, share_out
from mer.errors import MerError

NEVER = 1e9
# Claims a task, says so, and does nothing more until it is killed.
HOLDER = """
import sys, time
from pathlib import Path
from mer.claims import Claims
with Claims(Path(sys.argv[1]), beat_s=0.05) as claims:
    print(claims.take("fold"), flush=True)
    time.sleep(600)
"""
# Takes what it can get, names it, and holds it until it is told to end.
TAKER = """
import sys
from pathlib import Path
from mer.claims import Claims
with Claims(Path(sys.argv[1])) as claims:
    sys.stdin.readline()
    for task in map(str, range(200)):
        if claims.take(task):
            print(task, end=" ")
    print(flush=True)
    sys.stdin.readline()
"""


def start(program: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that holds "fold"."""
    process = start(HOLDER, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.communicate()


def write_claim(folder: Path, **holder: object) -> Path:
    """The claim of a holder on "fold"; by default one on another machine."""
    folder.mkdir(exist_ok=True)
    path = folder / "fold.1"
    path.write_text(json.dumps({"host": "far", "machine": "another", "pid": 1, "started": "0"} | holder))
    return path


def taken_within(claims: Claims, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if claims.take("fold"):
            return True
        time.sleep(0.01)
    return False


def test_task_is_taken_once(tmp_path: Path) -> None:
    with Claims(tmp_path) as one, Claims(tmp_path) as two:
        assert [one.take("fold"), one.take("fold"), two.take("fold"), two.take("other")] == [True, False, False, True]


def test_names_that_begin_alike_or_are_no_file_names_are_tasks_of_their_own(tmp_path: Path) -> None:
    tasks = ["ab", "a.1.1", "a.1", "a", "a/b", "a\\b", "../a", "", "受试者"]
    with Claims(tmp_path / "claims") as claims:
        assert all(claims.take(task) for task in tasks)
        assert not any(claims.take(task) for task in tasks)
    assert [path.name for path in tmp_path.iterdir()] == ["claims"]


def test_processes_at_once_take_each_task_once(tmp_path: Path) -> None:
    takers = [start(TAKER, tmp_path) for _ in range(3)]
    for process in takers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.stdout.readline().split() for process in takers if process.stdout is not None]
    for process in takers:
        process.communicate("end\n")
    assert sorted(int(task) for tasks in told for task in tasks) == list(range(200))


def test_dead_holder_is_followed_by_one_of_many_who_see_it_at_once(tmp_path: Path) -> None:
    for number in range(50):
        folder = tmp_path / str(number)
        write_claim(folder, machine=None)
        judges = [Claims(folder, stale_s=-1) for _ in range(4)]
        assert [judge.take("fold") for judge in judges] == [False] * 4  # the first look only begins to watch
        for judge in judges:
            judge.stale_s = 0.0
        together = threading.Barrier(4)

        def look(judge: Claims, together: threading.Barrier = together) -> bool:
            together.wait()
            return judge.take("fold")

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(look, judges)) == 1


def test_killed_process_of_this_machine_is_followed_at_once(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with Claims(tmp_path, stale_s=NEVER) as claims:
        assert not claims.take("fold")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert claims.take("fold")


def test_killed_process_that_nobody_has_waited_for_counts_as_ended(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with Claims(tmp_path, stale_s=NEVER) as claims:
        holder.send_signal(signal.SIGKILL)
        assert taken_within(claims, 5)


def test_stopped_process_is_followed_when_its_heart_has_stood_still(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with Claims(tmp_path, stale_s=0.5) as claims:
        assert not taken_within(claims, 1.0)
        holder.send_signal(signal.SIGSTOP)
        assert taken_within(claims, 5)


def test_number_of_an_ended_process_that_another_has_now_deceives_nobody(tmp_path: Path) -> None:
    with Claims(tmp_path / "own") as own:
        own.take("fold")
        mine = json.loads((tmp_path / "own" / "fold.1").read_text())
    assert mine["pid"] == os.getpid()
    if mine["machine"] is None:
        pytest.skip("nothing tells the processes of this machine apart")
    write_claim(tmp_path / "same", **mine)
    write_claim(tmp_path / "reused", **mine | {"started": "1"})
    assert not Claims(tmp_path / "same", stale_s=NEVER).take("fold")
    assert Claims(tmp_path / "reused", stale_s=NEVER).take("fold")


def test_equal_process_number_on_another_machine_says_nothing(tmp_path: Path) -> None:
    write_claim(tmp_path, pid=2**22 + 1)
    assert not Claims(tmp_path, stale_s=NEVER).take("fold")


@pytest.mark.parametrize("clock_s", [0, 4e9], ids=["1970", "2096"])
@pytest.mark.parametrize("step_s", [1, -1], ids=["forward", "backward"])
def test_clock_of_the_other_machine_may_show_anything_as_long_as_it_moves(
    tmp_path: Path, clock_s: float, step_s: float
) -> None:
    claim = write_claim(tmp_path)
    claims = Claims(tmp_path, stale_s=0.1)
    for beat in range(6):
        os.utime(claim, (clock_s + 100 + beat * step_s,) * 2)
        assert not claims.take("fold")
        time.sleep(0.05)
    assert taken_within(claims, 5)


def test_last_of_many_holders_has_the_task(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    gone = json.loads((tmp_path / "fold.1").read_text()) | {"started": "1"}
    for number in range(1, 10):
        (tmp_path / f"fold.{number}").write_text(json.dumps(gone))
    (tmp_path / "fold.10").write_text(json.dumps({"machine": "another"}))
    assert not Claims(tmp_path, stale_s=NEVER).take("fold")


def test_claim_without_content_lives_by_its_heartbeat(tmp_path: Path) -> None:
    (tmp_path / "fold.1").touch()
    assert not Claims(tmp_path, stale_s=NEVER).take("fold")
    assert taken_within(Claims(tmp_path, stale_s=0.05), 5)


def test_task_is_given_back_at_the_end_and_after_an_error(tmp_path: Path) -> None:
    def fail_with_a_claim() -> None:
        with Claims(tmp_path) as claims:
            assert claims.take("fold")
            raise ValueError("broken")

    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            fail_with_a_claim()


def test_holder_that_was_followed_takes_nothing_from_its_follower(tmp_path: Path) -> None:
    with Claims(tmp_path, beat_s=NEVER) as slow:
        assert slow.take("fold")
        follower = Claims(tmp_path, stale_s=0.05)
        assert taken_within(follower, 5)
    assert not Claims(tmp_path).take("fold")


def test_holder_is_named(tmp_path: Path) -> None:
    with Claims(tmp_path) as claims:
        claims.take("fold")
        assert claims.held_by("fold").endswith(f"process {os.getpid()}")
    write_claim(tmp_path)
    assert claims.held_by("fold") == "far, process 1"
    assert "another machine" in claims.held_by("nobody's")


def test_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MerError, match="to write"):
        Claims(tmp_path / "file" / "claims").take("fold")


def test_lone_process_does_everything_in_order() -> None:
    done: list[str] = []
    with Alone() as alone:
        for tasks in share_out(["c", "a", "b"], done.__contains__, alone):
            done.extend(tasks)
    assert done == ["c", "a", "b"]


def test_what_is_done_is_not_offered() -> None:
    done = ["b"]
    offered = []
    for tasks in share_out(["a", "b", "c"], done.__contains__, Alone(), choose=lambda free: free):
        offered.append(tasks)
        done.extend(tasks)
    assert offered == [["a", "c"]]


@pytest.mark.parametrize(("shared", "expected"), [(False, [5, 5, 2]), (True, [3, 3, 2, 1, 1, 1, 1])])
def test_a_lone_process_takes_what_it_chooses_and_one_that_shares_a_part_of_what_is_free(
    tmp_path: Path, shared: bool, expected: list[int]
) -> None:
    done: list[str] = []
    sizes = []
    with Claims(tmp_path) if shared else Alone() as claims:
        for tasks in share_out(list("abcdefghijkl"), done.__contains__, claims, choose=lambda free: free[-5:]):
            sizes.append(len(tasks))
            done.extend(tasks)
    assert sizes == expected
    assert done[0] == "h"


def test_three_together_do_each_task_once_and_all_end_when_all_is_done(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    names = [str(number) for number in range(30)]
    times: Counter[str] = Counter()

    def all_of(free: list[str]) -> list[str]:
        return free

    def work(_: int) -> list[bool]:
        with Claims(tmp_path / "claims") as claims:
            for tasks in share_out(names, lambda task: (results / task).exists(), claims, all_of, poll_s=0.01):
                times.update(tasks)
                time.sleep(0.005)
                for task in tasks:
                    (results / task).touch()
        return [(results / task).exists() for task in names]

    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(work, range(3)))
    assert times == Counter(names)
    assert all(all(end) for end in ends)


def test_task_done_between_look_and_claim_is_not_done_again(tmp_path: Path) -> None:
    looks = chain([False], repeat(True))
    with Claims(tmp_path) as claims:
        assert list(share_out(["fold"], lambda _: next(looks), claims)) == []


def test_waiting_is_said_once_and_ends_with_the_holders_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = threading.Event()
    with Claims(tmp_path) as other, Claims(tmp_path) as claims:
        other.take("fold")
        threading.Timer(0.3, done.set).start()
        assert list(share_out(["fold"], lambda _: done.is_set(), claims, poll_s=0.01)) == []
    err = capsys.readouterr().err
    assert err.count("waiting for 1 held elsewhere: fold by") == 1


def test_task_of_a_killed_holder_is_taken_over(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    threading.Timer(0.3, holder.kill).start()
    done: list[str] = []
    with Claims(tmp_path, stale_s=NEVER) as claims:
        for tasks in share_out(["fold"], done.__contains__, claims, poll_s=0.02):
            done.extend(tasks)
    assert done == ["fold"]


def test_cleared_claims_leave_nothing(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims")
    claims.clear()
    claims.take("fold")
    claims.clear()
    assert list(tmp_path.iterdir()) == []
