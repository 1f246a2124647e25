"""What a run's metrics.json says of where its numbers come from."""

import json
import subprocess
from pathlib import Path

import pytest
import torch

from mer.fingerprint import seed_from
from mer.machine import machine_facts
from mer.run_folder import _git_commit, provenance
from tests.fakes import write_flow_images
from tests.runner import only_run, run_mer, train_words


def test_seeds_versions_and_machine_are_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_flow_images(tmp_path / "data")
    assert run_mer(capsys, *train_words(tmp_path / "data", tmp_path / "outputs", "seed=7")).code == 0
    run = only_run(tmp_path / "outputs")
    metrics = json.loads((run / "metrics.json").read_text())
    folds = {name: seed_from(7, name) for name in ("smic-s01", "smic-s02")}
    assert metrics["seeds"] == {"run": 7, "folds": folds}
    for name, seed in folds.items():
        assert json.loads((run / "folds" / name / "metrics.json").read_text())["seed"] == seed
    assert metrics["versions"]["torch"] == torch.__version__
    assert all(metrics["versions"].values())
    assert metrics["machine"]["device"] == "cpu"
    assert metrics["machine"]["threads"]["torch"] == torch.get_num_threads()
    assert metrics["machine"]["deterministic"] is True
    assert run_mer(capsys, "report", str(run)).code == 0  # takes the record of any mer


def test_commit_tells_of_changes_that_are_not_in_it(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        name = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        return subprocess.run(["git", "-C", tmp_path, *name, *words], capture_output=True, text=True, check=True).stdout

    assert _git_commit(tmp_path) is None
    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "x")
    commit = git("rev-parse", "HEAD").strip()
    assert _git_commit(tmp_path) == commit
    (tmp_path / "file").write_text("2")
    assert _git_commit(tmp_path) == f"{commit}-dirty"


def test_record_is_plain_json_and_names_nobody() -> None:
    facts = machine_facts(torch.device("cpu")) | provenance()
    text = json.dumps(facts)
    assert str(Path.home()) not in text
    assert not {"node", "host", "user"} & facts.keys()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_and_its_libraries_are_recorded() -> None:
    facts = machine_facts(torch.device("cuda"))
    assert facts["gpu"] == torch.cuda.get_device_name()
    assert facts["tf32"].keys() == {"cudnn", "matmul"}


@pytest.mark.parametrize("precision", ["16-mixed", "16"])
def test_half_precision_is_refused_on_a_cpu_and_not_replaced(
    precision: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_flow_images(tmp_path / "data")
    words = train_words(tmp_path / "data", tmp_path / "outputs", f"trainer.precision={precision}")
    result = run_mer(capsys, *words)
    assert result.code == 2
    assert "set trainer.precision=bf16-mixed" in result.err
