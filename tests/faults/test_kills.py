"""The harness notices each kind of loss: commands that lose something on purpose are put in the place of mer's."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.faults.cases import Case
from tests.faults.kills import inject_kills, made_again, undisturbed, unit_times
from tests.faults.losses import Losses
from tests.faults.trees import content

PIECES = 5
PIECE_S = 0.02
KILLS = 6

Command = Callable[[Sequence[str]], int]
# What is killed has one thread, whatever the process has that runs the tests.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


def written_at_once(out: Path, name: str, text: str) -> None:
    hidden = out / ".part"
    hidden.write_text(text)
    time.sleep(PIECE_S)
    hidden.replace(out / name)


def written_in_halves(out: Path, name: str, text: str) -> None:
    with (out / name).open("w") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        time.sleep(PIECE_S)
        file.write(text[len(text) // 2 :])


def litters(out: Path, name: str, text: str) -> None:
    (out / f".{name}.{time.monotonic_ns()}").touch()
    written_at_once(out, name, text)


def toy(write: Callable[[Path, str, str], None], resumes: bool = True, says_more: bool = False) -> Command:
    """A command that writes its pieces one after another, as ``write`` does."""

    def command(words: Sequence[str]) -> int:
        out = Path(words[0])
        for number in range(PIECES):
            name = f"{number}.json"
            if (out / name).is_file() and resumes:
                if says_more:
                    print(f"made {name}", flush=True)
                continue
            write(out, name, '{"piece": "%s"}' % ("x" * number))
            print(f"made {name}", flush=True)
        return 0

    return command


def depends_on_the_start(words: Sequence[str]) -> int:
    """Its pieces tell how many there were when it was started."""
    out = Path(words[0])
    there = len(list(out.glob("*.json")))
    return toy(lambda folder, name, text: written_at_once(folder, name, f"[{there}, {text}]"))(words)


def fails_when_it_goes_on(words: Sequence[str]) -> int:
    code = 1 if list(Path(words[0]).glob("*.json")) else 0
    return toy(written_at_once)(words) or code


CASE = Case("toy", lambda data, out: [str(out)], lambda out: content(out, "*.json"), "*.json", r"made \S+")


def losses_of(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Losses:
    monkeypatch.setattr("tests.faults.forks.main", command)
    return inject_kills(CASE, tmp_path, tmp_path / "work", KILLS)


def kinds_of(losses: Losses) -> set[str]:
    return {kind for kind, lines in losses.lines.items() if lines}


def test_command_that_loses_nothing_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = losses_of(toy(written_at_once), tmp_path, monkeypatch)
    # A piece that was begun is hidden, has one name, and is gone when the command has ended.
    assert (losses.tries, losses.total, kinds_of(losses)) == (KILLS, 0, set())
    assert losses.runs >= 1


@pytest.mark.parametrize(
    ("command", "kinds"),
    [
        (toy(written_in_halves), {"half_written", "differing"}),
        (toy(litters), {"left_over"}),
        (toy(written_at_once, resumes=False), {"made_again"}),
        (toy(written_at_once, says_more=True), {"made_again"}),
        (depends_on_the_start, {"differing"}),
        (fails_when_it_goes_on, {"failed"}),
    ],
    ids=["halves", "litter", "from the start", "in vain", "other result", "failure"],
)
def test_loss_is_noticed(command: Command, kinds: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = losses_of(command, tmp_path, monkeypatch)
    assert losses.tries == KILLS
    assert kinds_of(losses) == kinds


def test_missing_and_additional_files_differ() -> None:
    losses = Losses()
    losses.compare({"a": b"1", "b": b"1", "c": b"1"}, {"a": b"1", "b": b"2", "d": b"1"})
    assert losses.differing == ["b", "c", "d"]
    assert losses.total == 3


def test_piece_that_was_removed_written_anew_or_made_in_vain_is_made_again(tmp_path: Path) -> None:
    for name in ("same", "gone", "anew"):
        (tmp_path / f"{name}.json").touch()
    before = unit_times(CASE, tmp_path)
    (tmp_path / "gone.json").unlink()
    (tmp_path / "anew.json").unlink()
    time.sleep(0.01)
    (tmp_path / "anew.json").touch()
    (tmp_path / "new.json").touch()
    again = made_again(CASE, tmp_path, before, "made a\nmade b\n")
    assert sorted(again) == ["2 made by what was said, 1 new ones found", "anew.json", "gone.json"]


@pytest.mark.parametrize("command", [lambda words: 1, lambda words: 0], ids=["fails", "writes nothing"])
def test_command_that_is_no_measure_is_refused(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.faults.forks.main", command)
    with pytest.raises(RuntimeError, match=r"does not end well|leaves nothing"):
        undisturbed(CASE, tmp_path, tmp_path / "out")


@pytest.mark.slow
def test_killed_commands_of_mer_lose_nothing(tmp_path: Path) -> None:
    wanted = ("SIGKILL: prepare", "engine=sequential", "SIGKILL: predict", "SIGKILL: export")
    table = tmp_path / "table.csv"
    command = ["-m", "tests.faults", "--kills", "2", "--kills-short", "1", "--csv", str(table), "--only", *wanted]
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, *command], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert table.read_text().count("SIGKILL") == len(wanted)
    shutil.rmtree(tmp_path)
