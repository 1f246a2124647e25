"""`mer export`: a model's file and its card beside it, or one line."""

import json
from pathlib import Path

import pytest
import torch

from mer.errors import MerError
from mer.export import load_model
from mer.hydra_app import with_paths
from mer.trained import load_run
from tests.fakes.trained import random_maps, write_trained_run
from tests.runner import run_mer


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in a folder named as those of a sweep's jobs are."""
    return write_trained_run(tmp_path_factory.mktemp("runs") / "magnify=evm,alpha=20-abc123")


def test_model_and_card_are_written_and_told(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a=b" / "mine.safetensors"
    result = run_mer(capsys, "export", f"run={run}", f"out={file}")
    assert result.code == 0, result.err
    model, maps = load_model(file), random_maps()
    with torch.no_grad():
        expected = [load_run(run).module(fold)(maps) for fold in load_run(run).folds]
    assert torch.equal(model.logits(maps), torch.stack(expected))
    metrics = json.loads((run / "metrics.json").read_text())
    assert f"UF1 {metrics['uf1']:.3f}" in result.out
    for name in ("before", "cross_fitted"):
        assert f"{model.card['calibration'][name]['ece']:.3f}" in result.out
    assert "no lie detector" in result.err
    assert file.with_suffix(".md").read_text().startswith("# Micro-expression model")
    assert sorted(path.name for path in file.parent.iterdir()) == ["mine.md", "mine.safetensors"]


def test_model_lies_in_the_runs_folder_unless_told_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_trained_run(tmp_path / "run")
    told = json.loads(run_mer(capsys, "export", f"run={run}", "folds=smic-s01", "json=true").out)
    assert (told["model"], told["card"], told["folds"]) == (
        str(run / "model.safetensors"),
        str(run / "model.md"),
        1,
    )
    assert load_model(run / "model.safetensors").n_folds == 1
    load_run(run)  # which is still a run


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "run=DIR"),
        (["run=nosuch"], "nosuch"),
        (["run={run}", "out=model.pt"], "out=FILE.safetensors"),
        (["run={run}", "out=/proc/nosuch/m.safetensors"], "to write"),
        (["run={run}", "out={out}", "folds=[smic-s01,nobody]"], "nobody"),
        (["run={run}", "nosuch=1"], "nosuch"),
    ],
)
def test_bad_words_end_in_one_line(
    words: list[str], says: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [word.format(run=run, out=tmp_path / "m.safetensors") for word in words]
    result = run_mer(capsys, "export", *filled)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("mer: ")
    assert result.err.count("\n") == 1
    assert says in result.err
    assert list(tmp_path.iterdir()) == []
    assert not (run / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("run=a/b=c", "run='a/b=c'"),
        ("run=a b", "run='a b'"),
        ("run='a=b'", "run='a=b'"),
        ("run=null", "run=null"),
        ("run=", "run="),
        ("runs=a=b", "runs=a=b"),
        ("--help", "--help"),
    ],
)
def test_paths_are_quoted_for_hydra(word: str, expected: str) -> None:
    assert with_paths([word], ("run", "out")) == [expected]


def test_missing_packages_for_onnx_are_named(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = run_mer(capsys, "export", f"run={run}", f"out={tmp_path / 'm.safetensors'}", "onnx=true")
    assert result.code == 2
    assert "pip install 'mer[onnx]'" in result.err


def test_own_class_is_made_only_where_it_is_vouched_for(tmp_path: Path) -> None:
    settings = {"model": {"_target_": "mer.models.dual_branch.net.DualBranchNet", "depth": 1, "widths": [4]}}
    run = write_trained_run(tmp_path / "run", settings={"model": settings["model"] | {"head_size": 2}})
    with pytest.raises(MerError, match="trust="):
        load_run(run)
    assert load_run(run, ["mer.models.dual_branch.net.DualBranchNet"]).classes
