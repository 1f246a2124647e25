"""The HTML report is one file that needs nothing else."""

import re
from pathlib import Path

import pytest

from tests.fakes import write_flow_images
from tests.runner import run_mer, train_words


@pytest.fixture
def outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    write_flow_images(tmp_path / "data")
    words = train_words(tmp_path / "data", tmp_path / "outputs", "-m", "model.depth=1,2", "model.widths=[4,4]")
    assert run_mer(capsys, *words).code == 0
    return tmp_path / "outputs"


def test_report_shows_runs_scores_and_confusions(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "report", str(outputs))
    assert result.code == 0
    page = (outputs / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert page.count("alt='confusion matrix'") == page.count("alt='flow of each class'") == 2
    assert "model.depth=1" in page
    assert "smic-s02" in page
    assert not re.search(r"(src|href)=['\"]?(https?:)?//", page)


def test_report_escapes_names(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for metrics in outputs.glob("**/metrics.json"):
        metrics.write_text(metrics.read_text().replace("smic-s02", "<script>alert(1)</script>"))
    run_mer(capsys, "report", str(outputs))
    page = (outputs / "report.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_compare_prints_json(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    rows = json.loads(run_mer(capsys, "compare", str(outputs), "--json").out)
    assert [row["settings"] for row in rows] == [{"model.depth": "1"}, {"model.depth": "2"}]


@pytest.mark.parametrize("text", ["{", "[]", '{"accuracy": 1}'])
def test_spoilt_metrics_are_one_line(outputs: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    next(iter(sorted(outputs.glob("tiny/sweep/*/metrics.json")))).write_text(text)
    for verb in ("compare", "report"):
        result = run_mer(capsys, verb, str(outputs))
        assert result.code == 2
        assert result.err.count("\n") == 1
