"""A run's folder is found again by its settings, and never shared."""

import errno
from pathlib import Path

import pytest

from mer.errors import MerError
from mer.run_folder import job_folder, open_run, provenance, run_key

CONFIG = {"seed": 0}


def test_unfinished_run_of_equal_settings_goes_on(tmp_path: Path) -> None:
    with open_run(tmp_path, "key", CONFIG) as first:
        pass
    with open_run(tmp_path, "key", CONFIG) as second:
        assert second.path == first.path


def test_finished_run_is_not_opened_again(tmp_path: Path) -> None:
    with open_run(tmp_path, "key", CONFIG) as first:
        first.write_json("metrics.json", {})
    with open_run(tmp_path, "key", CONFIG) as second:
        assert second.path != first.path
        assert not second.is_complete


def test_finished_job_of_a_sweep_is_opened_complete(tmp_path: Path) -> None:
    with open_run(tmp_path, "key", CONFIG, job="sweep/a") as first:
        first.write_json("metrics.json", {})
    with open_run(tmp_path, "key", CONFIG, job="sweep/a") as second:
        assert (second.path, second.is_complete) == (first.path, True)


def test_shared_run_is_one_folder_for_all_who_share_it(tmp_path: Path) -> None:
    with open_run(tmp_path, "key", CONFIG, shared=True) as first, open_run(tmp_path, "key", CONFIG, shared=True) as two:
        assert (first.path, first.path.name) == (two.path, "shared-key")
        with first.claims() as mine, two.claims() as other:
            assert [mine.take("fold"), other.take("fold"), other.take("next")] == [True, False, True]


def test_shared_job_of_a_sweep_has_the_jobs_folder(tmp_path: Path) -> None:
    for _ in range(2):
        with open_run(tmp_path, "key", CONFIG, job="sweep/a", shared=True) as run:
            assert run.path == tmp_path / "sweep" / "a"


def test_who_comes_late_to_a_shared_run_finds_it_complete(tmp_path: Path) -> None:
    with open_run(tmp_path, "key", CONFIG, shared=True) as first:
        first.write_json("metrics.json", {})
    with open_run(tmp_path, "key", CONFIG, shared=True) as late:
        assert (late.path, late.is_complete) == (first.path, True)


def test_unfinished_run_is_shared_rather_than_a_finished_one(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        with open_run(tmp_path, "key", CONFIG, str(tmp_path / name)) as run:
            if name != "b":
                run.write_json("metrics.json", {})
    with open_run(tmp_path, "key", CONFIG, shared=True) as shared:
        assert shared.path == tmp_path / "b"


def test_run_of_a_process_that_does_not_share_it_is_not_joined(tmp_path: Path) -> None:
    with open_run(tmp_path, "key", CONFIG), pytest.raises(MerError, match="share_run=true"):
        open_run(tmp_path, "key", CONFIG, shared=True)


def test_shared_run_at_work_is_not_taken_by_a_lone_process(tmp_path: Path) -> None:
    with open_run(tmp_path, "key", CONFIG, shared=True) as shared, open_run(tmp_path, "key", CONFIG) as alone:
        assert alone.path != shared.path


@pytest.mark.parametrize("shared", [False, True])
def test_complete_run_keeps_nothing_of_those_who_made_it(tmp_path: Path, shared: bool) -> None:
    with open_run(tmp_path, "key", CONFIG, shared=shared) as run:
        with run.claims() as claims:
            claims.take("fold")
            claims.finish("fold")
        (run.folds / ".fold.0123.part").mkdir(parents=True)
        run.write_json("metrics.json", {})
    assert sorted(path.name for path in run.path.rglob("*")) == [
        ".lock", "config.yaml", "folds", "metrics.json", "run.json"
    ]  # fmt: skip


def test_lone_process_clears_what_killed_ones_left_and_one_that_shares_does_not(tmp_path: Path) -> None:
    with open_run(tmp_path, "key", CONFIG) as run:
        part = run.folds / ".fold.0123.part"
        part.mkdir(parents=True)
    with open_run(tmp_path, "key", CONFIG, shared=True):
        assert part.is_dir()
    with open_run(tmp_path, "key", CONFIG) as again:
        assert again.path == run.path
        assert not part.exists()


def test_file_system_without_locks_serves_shared_runs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(MerError, match="got Function not implemented; set share_run=true"):
        open_run(tmp_path, "key", CONFIG)
    with open_run(tmp_path, "key", CONFIG, shared=True) as run:
        assert run.path.is_dir()


def test_run_in_use_is_left_alone(tmp_path: Path) -> None:
    with open_run(tmp_path, "key", CONFIG) as first, open_run(tmp_path, "key", CONFIG) as second:
        assert second.path != first.path


def test_chosen_folder_in_use_is_refused(tmp_path: Path) -> None:
    chosen = str(tmp_path / "mine")
    with open_run(tmp_path, "key", CONFIG, chosen), pytest.raises(MerError, match="in use"):
        open_run(tmp_path, "key", CONFIG, chosen)


def test_chosen_folder_of_other_settings_is_refused_and_unlocked(tmp_path: Path) -> None:
    chosen = str(tmp_path / "mine")
    open_run(tmp_path, "key", CONFIG, chosen).close()
    for _ in range(2):
        with pytest.raises(MerError, match="run of others"):
            open_run(tmp_path, "other", CONFIG, chosen)


def test_file_in_the_place_of_the_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(MerError, match="to write"):
        open_run(tmp_path, "key", CONFIG, str(tmp_path / "taken"))


def test_half_written_run_json_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "run.json").write_text('{"fingerpr')
    with open_run(tmp_path, "key", CONFIG) as run:
        assert run.path != tmp_path / "old"


def test_job_folder_is_one_safe_name_a_job() -> None:
    name = job_folder("my sweep/../x", "a=[1,2],path=/etc/passwd" + "y" * 200, "0123456789")
    assert name.count("/") == 1
    assert ".." not in name.split("/")
    assert len(name.split("/")[1]) < 100
    assert job_folder("s", "a=1", "0000000") != job_folder("s", "a=1", "1111111")


def test_run_key_depends_on_settings_and_clips() -> None:
    keys = {run_key({"a": 1}, ["x"]), run_key({"a": 2}, ["x"]), run_key({"a": 1}, ["y"])}
    assert len(keys) == 3
    assert run_key({"a": 1, "b": 2}, []) == run_key({"b": 2, "a": 1}, [])


def test_provenance_names_versions() -> None:
    assert {"mer", "torch", "kornia"} <= set(provenance()["versions"])


def test_folder_of_a_run_that_was_never_begun_is_taken(tmp_path: Path) -> None:
    husk, foreign = tmp_path / "sweep" / "a-1", tmp_path / "sweep" / "b-1"
    for folder in (husk, foreign):
        folder.mkdir(parents=True)
        (folder / "config.yaml").touch()
    (foreign / "notes.txt").touch()
    for job, name in (("sweep/a-1", "a-1"), ("sweep/b-1", "b-1-2")):
        with open_run(tmp_path, job, {"seed": 1}, job=job) as run:
            assert run.path.name == name
            assert (run.path / "config.yaml").read_text() == "seed: 1\n"
