"""`mer compare`: every run that is there, in the form asked for."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.fakes.runs import fake_predictions, write_run
from tests.runner import run_mer


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Two finished runs, one that failed, one that stopped."""
    for depth, right in ((1, 0.4), (2, 0.9)):
        settings = {"model": {"depth": depth}, "logger": {"project": f"p{depth}"}}
        write_run(tmp_path / "sweep" / f"depth={depth}", settings, fake_predictions(right=right, seed=depth))
    failed = write_run(tmp_path / "sweep" / "depth=99", finished=False)
    (failed / "failure.json").write_text(json.dumps({"reason": "model.depth too large"}))
    write_run(tmp_path / "sweep" / "depth=3", finished=False)
    return tmp_path / "sweep"


def test_unfinished_runs_stand_in_every_form(sweep: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    csv = tmp_path / "table.csv"
    forms = [run_mer(capsys, "compare", str(sweep), *more) for more in ((), ("--json",), ("--markdown",), ("--latex",))]
    run_mer(capsys, "compare", str(sweep), "--csv", str(csv))
    assert all(result.code == 0 for result in forms)
    for text in (*(result.out for result in forms), csv.read_text()):
        assert "failed: model.depth too large" in text.replace(r"\_", "_")
        assert "stopped" in text
    assert json.loads(forms[1].out)[2]["folds_done"] == 5


def test_csv_has_settings_scores_and_intervals(sweep: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("compare", str(sweep), "--csv", str(tmp_path / "t.csv"), "--against", str(sweep / "depth=1"))
    assert run_mer(capsys, *words).code == 0
    table = pd.read_csv(tmp_path / "t.csv")
    assert table.columns[0] == "model.depth"
    metrics = json.loads((sweep / "depth=2" / "metrics.json").read_text())
    row = table[table["model.depth"] == 2].iloc[0]
    found = [row["uf1"], row["uf1_low"], row["uf1_high"]]
    assert found == pytest.approx([metrics["uf1"], *metrics["intervals"]["uf1"]], abs=1e-4)
    assert row["uf1_difference"] > 0
    assert 0 < row["mcnemar_p"] <= row["mcnemar_p_holm"]
    assert table["state"].tolist()[:2] == ["finished", "finished"]


def test_reference_outside_the_runs_stands_beside_them(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("compare", str(sweep / "depth=2"), "--against", str(sweep / "depth=1"))
    rows = json.loads(run_mer(capsys, *words, "--json").out)
    assert [row["against"] is None for row in rows] == [False, True]
    table = run_mer(capsys, *words).out
    assert "McNemar" in table
    assert "depth=1, p of" in " ".join(table.split())


def test_runs_of_other_clips_end_in_one_line(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(sweep / "other", table=fake_predictions(subjects=4))
    result = run_mer(capsys, "compare", str(sweep), "--against", str(sweep / "depth=1"))
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "two runs of the same clips" in result.err


def test_seeds_are_gathered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (0, 1, 2):
        write_run(tmp_path / f"seed={seed}", {"seed": seed}, fake_predictions(seed=seed))
    result = run_mer(capsys, "compare", str(tmp_path), "--seeds")
    assert "3 seeds" in result.out
    assert "±" in result.out
    (row,) = json.loads(run_mer(capsys, "compare", str(tmp_path), "--seeds", "--json").out)
    assert (row["seeds"], len(row["runs"]), row["settings"]) == ([0, 1, 2], 3, {})


def test_seeds_and_tests_exclude_each_other(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "compare", str(sweep), "--seeds", "--against", str(sweep / "depth=1"))
    assert result.code == 2
    assert "--seeds or --against" in result.err


def test_figures_are_written_where_asked_for(sweep: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    result = run_mer(capsys, "compare", str(sweep), "--figures", str(tmp_path / "figures"))
    assert result.code == 0
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["model.depth.png", "model.depth.svg"]
    assert "model.depth.svg" in result.err


def test_folder_of_unfinished_runs_alone_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "a" / "run", finished=False)
    result = run_mer(capsys, "compare", str(tmp_path / "a"))
    assert result.code == 0
    assert "stopped, 5 folds complete" in result.out
