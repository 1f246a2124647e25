"""Files and folders are written whole or not at all; names are safe as one path component."""

import errno
import fcntl
import os
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mer.errors import MerError
from mer.files import atomic_file, atomic_folder, cannot_write, clear_parts, safe_name
from tests.full_disk import room

HOSTILE = ["", ".", "..", "...", "../../etc", "a/b", "a\\b", "/", ".hidden", "a\x00b", "a:b", "a b", "a*b", "x" * 300]


def write_half_a_file(path: Path, error: BaseException) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text("ha")
        raise error


def write_half_a_folder(path: Path, error: BaseException) -> None:
    with atomic_folder(path) as temporary:
        (temporary / "a.txt").touch()
        raise error


def test_file_takes_its_name_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with atomic_file(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
        assert temporary.suffix == ".txt"
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_file_can_be_read_by_all_who_may_read_the_folder(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_exception_leaves_the_old_file_and_no_litter(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error):
        write_half_a_file(path, error())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_exception_leaves_no_new_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="half"):
        write_half_a_file(tmp_path / "a.txt", ValueError("half"))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_of_a_file_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    path, other = tmp_path / "a[1].txt", tmp_path / "b.txt"
    (tmp_path / ".a[1].txt.writing-killed.txt").write_text("ha")
    (tmp_path / ".b.txt.writing-killed.txt").write_text("ha")
    with atomic_file(path) as living:
        living.write_text("slow")
        with atomic_file(path) as temporary:
            temporary.write_text("quick")
        assert path.read_text() == "quick"
    assert path.read_text() == "slow"
    assert sorted(tmp_path.iterdir()) == [tmp_path / ".b.txt.writing-killed.txt", path]
    with atomic_file(other) as temporary:
        temporary.touch()
    assert sorted(tmp_path.iterdir()) == [path, other]


def test_file_is_written_where_the_disk_has_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    left = tmp_path / ".a.txt.writing-killed.txt"
    left.touch()
    with atomic_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / "a.txt").read_text() == "whole"
    assert left.exists()


def test_file_below_a_file_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(MerError, match=r"to write .*a\.txt; got .*; free disk space or choose another folder"):
        write_half_a_file(tmp_path / "taken" / "a.txt", AssertionError("was written"))


def test_full_disk_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(MerError, match="got No space left on device"):
        write_half_a_file(tmp_path / "a.txt", OSError(28, "No space left on device"))
    assert list(tmp_path.iterdir()) == []


def test_safetensors_own_error_of_a_full_disk_is_one_line(tmp_path: Path) -> None:
    weights = {"a": np.zeros(999)}
    says = pytest.raises(MerError, match=r"to write .*; got .*I/O error")
    with says, room(100), atomic_file(tmp_path / "a.safetensors") as file:
        save_file(weights, file)
    with says, room(100), atomic_folder(tmp_path / "fold") as folder:
        save_file(weights, folder / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_error_without_a_system_message_is_said_in_its_own_words() -> None:
    assert "got quota" in str(cannot_write(Path("a"), OSError("quota")))


def test_folder_takes_its_name_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "fold"
    with atomic_folder(path) as temporary:
        (temporary / "a.txt").write_text("whole")
        assert not path.exists()
    assert (path / "a.txt").read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_exception_leaves_no_folder_and_no_litter(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error):
        write_half_a_folder(tmp_path / "fold", error())
    assert list(tmp_path.iterdir()) == []


def test_bytes_are_on_the_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: dict[int, bool] = {}

    def fsync(handle: int) -> None:
        flushed[os.fstat(handle).st_ino] = (tmp_path / "fold").exists() or (tmp_path / "a.txt").exists()

    monkeypatch.setattr(os, "fsync", fsync)
    with atomic_folder(tmp_path / "fold") as temporary:
        (temporary / "b.txt").touch()
        (temporary / "in").mkdir()
        (temporary / "in" / "c.txt").touch()
    assert flushed == {(tmp_path / "fold" / name).stat().st_ino: False for name in ("b.txt", "in/c.txt")}
    flushed.clear()
    shutil.rmtree(tmp_path / "fold")
    with atomic_file(tmp_path / "a.txt") as temporary:
        temporary.touch()
    assert flushed == {(tmp_path / "a.txt").stat().st_ino: False}


def test_leftover_of_a_killed_process_is_no_part_of_the_folder_and_is_cleared(tmp_path: Path) -> None:
    killed = atomic_folder(tmp_path / "fold")
    (killed.__enter__() / "half.txt").touch()
    with atomic_folder(tmp_path / "fold") as temporary:
        (temporary / "a.txt").touch()
    assert [path.name for path in (tmp_path / "fold").iterdir()] == ["a.txt"]
    assert len(list(tmp_path.iterdir())) == 2
    clear_parts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["fold"]


def test_folder_that_is_there_already_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "fold").mkdir()
    (tmp_path / "fold" / "old.txt").touch()
    with pytest.raises(MerError, match="to write"), atomic_folder(tmp_path / "fold"):
        pass
    assert [path.name for path in (tmp_path / "fold").iterdir()] == ["old.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["fold"]


@pytest.mark.parametrize(
    "name", ["sub01", "casme2-sub01", "EP02_01f", "alpha=20,lambda_c=16", "v1.2", "s20+", "受试者"]
)
def test_plain_name_is_kept(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_name_becomes_one_visible_component(name: str, tmp_path: Path) -> None:
    safe = safe_name(name)
    assert safe
    assert not set(safe) & set("/\\\x00: *")
    assert safe[0] != "."
    (tmp_path / safe).mkdir()
    assert [path.name for path in tmp_path.iterdir()] == [safe]


def test_distinct_hostile_names_stay_distinct() -> None:
    names = [*HOSTILE, "a/c", "a_b", "a__b", "a//b", "x" * 301, "x" * 100, "hidden"]
    assert len({safe_name(name) for name in names}) == len(names)


def test_safe_name_is_the_same_every_time() -> None:
    assert safe_name("a/b") == safe_name("a/b")
