"""The HTML report is one file that needs nothing else; what does not fit is said."""

import base64
import hashlib
import json
import re
import shutil
from html import unescape
from pathlib import Path

import cv2
import numpy as np
import pytest

from mer.report.html import render_report
from mer.runs import find_runs, find_unfinished
from tests.fakes import write_flow_images
from tests.fakes.runs import fake_metrics, fake_predictions, write_run
from tests.runner import run_mer, train_words


@pytest.fixture
def outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    write_flow_images(tmp_path / "data")
    words = train_words(tmp_path / "data", tmp_path / "outputs", "-m", "model.depth=1,2", "model.widths=[4,4]")
    assert run_mer(capsys, *words).code == 0
    return tmp_path / "outputs"


def report_of(folder: Path) -> str:
    return render_report(find_runs([folder]), "mer: x", find_unfinished([folder]))


def write_noise(path: Path, seed: int, side_px: int = 300) -> None:
    """A picture that nothing compresses."""
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, (side_px, side_px, 3), np.uint8))


def test_report_of_a_trained_sweep_shows_all_there_is(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "report", str(outputs))
    assert result.code == 0
    assert result.out == f"wrote {outputs / 'report.html'}\n"
    page = (outputs / "report.html").read_text()
    # The sweep's figure, its curves twice, the flow once, since both runs have the same, and each wrong clip's strip.
    wrong = sum(len(list(run.path.glob("figures/mistakes/*.png"))) for run in find_runs([outputs]))
    assert page.count("data:image/svg+xml;base64,") == 3
    assert page.count("data:image/webp;base64,") + page.count("as shown above") == 2 + wrong
    assert "as shown above" in page
    for text in ("model.depth", "smic-s02", "Training curves", "Pooled scores by model.depth", "Worst mistakes"):
        assert text in page
    commands = re.findall(r"^mer train -m .*$", unescape(re.sub(r"<[^>]+>", "\n", page)), re.MULTILINE)
    assert len(commands) == 4  # of each run, and all together
    assert "'dataset.roots=[" in commands[0]
    assert "model.depth=1" in commands[0]
    assert not re.search(r"(src|href)=['\"]?(https?:)?//", page)


def test_only_the_pages_own_style_and_script_are_allowed(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    page = report_of(tmp_path)
    policy = unescape(re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[0])
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    for name in ("style", "script"):
        (content,) = re.findall(rf"<{name}>(.+?)</{name}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert "style=" not in page  # which the policy forbids


def test_page_is_whole_without_its_script(tmp_path: Path) -> None:
    table = fake_predictions()
    write_run(tmp_path / "run", table=table)
    wrong = int((table["target"] != table["prediction"]).sum())
    page = report_of(tmp_path).split("<script>")[0]
    assert "<button" not in page
    assert page.count('<th scope="row"') == 1 + 3 + 3 + 5 + wrong  # runs, confusion, classes, subjects, mistakes
    assert 'href="#content"' in page
    assert 'id="content"' in page


def test_runs_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for alpha in (5, 10, 20):
        write_run(tmp_path / f"alpha={alpha}", {"alpha": alpha}, fake_predictions(seed=alpha))
    page = report_of(tmp_path)
    assert re.findall(r"Run \d: alpha=<wbr>(\d+)", page) == ["5", "10", "20"]
    assert re.findall(r'<a href="#run-(\d)">', page) == ["1", "2", "3"]


def test_unfinished_runs_are_listed_with_their_state(tmp_path: Path) -> None:
    write_run(tmp_path / "done")
    broken = write_run(tmp_path / "broken", finished=False)
    (broken / "failure.json").write_text(json.dumps({"reason": "no <memory>"}))
    page = report_of(tmp_path)
    assert "failed: no &lt;memory&gt;" in page


def test_what_mer_explain_left_in_the_run_is_shown(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert "Where the network looks" not in report_of(tmp_path)
    for number, name in enumerate(("attention", "gradcam", "other")):
        write_noise(run / "explain" / f"{name}.png", number, 20)
    captions = re.findall(r"<figcaption>(Grad-CAM|Spatial attention)", report_of(tmp_path))
    assert captions == ["Grad-CAM", "Spatial attention"]


def test_home_folder_and_secrets_stay_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "somebody"
    monkeypatch.setenv("HOME", str(home))
    for name in ("a", "b"):
        write_run(home / "runs" / name, {"dataset": {"root": f"{home}/{name}"}, "api_key": f"secret-{name}"})
    page = report_of(home / "runs")
    assert "~/<wbr>runs/<wbr>a" in page or "~/runs/a" in page
    assert "somebody" not in page
    assert "secret-" not in page


def test_leaky_scores_are_called_leaky(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    metrics = json.loads((run / "metrics.json").read_text())
    assert "LEAKY" not in report_of(tmp_path)
    metrics["leaky_best_epoch_on_test"] = {"accuracy": 0.99, "uf1": 0.98, "uar": 0.97}
    (run / "metrics.json").write_text(json.dumps(metrics))
    assert "LEAKY:</strong> best epoch of each fold chosen on its test clips, not a result: accuracy 0.990" in (
        report_of(tmp_path)
    )


def test_floor_is_that_of_the_most_frequent_class(tmp_path: Path) -> None:
    table = fake_predictions()
    table.loc[table["target"] == "surprise", "target"] = "positive"
    write_run(tmp_path / "run", table=table)
    assert "Saying “positive” of every clip would have accuracy 0.667 and UAR 0.500." in report_of(tmp_path)


def test_pictures_that_do_not_fit_are_left_out_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        run = write_run(tmp_path / f"run{number}", {"depth": number})
        write_noise(run / "figures" / "flow_samples.png", number)
    monkeypatch.setattr("mer.report.html._PICTURES_BYTES", 150_000)
    page = report_of(tmp_path)
    assert len(page) < 300_000
    assert "Pictures of this run were left out" in page
    (left_out,) = re.findall(r"Left out to keep the page below 10 MB: (\d+) pictures\.", page)
    assert int(left_out) == 3 - page.count("data:image/webp") + 3 - page.count("Training curves</figcaption>")
    assert 0 < int(left_out) < 6


def test_sections_that_do_not_fit_are_left_out_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        write_run(tmp_path / f"run{number}", {"depth": number})
    monkeypatch.setattr("mer.report.html._SECTIONS_BYTES", 18_000)
    page = report_of(tmp_path)
    shown = page.count("<details id=")
    assert 0 < shown < 4
    assert f"the sections of {4 - shown} runs" in page
    assert page.count('href="#run-') == shown
    assert "run 4" in page


def test_hundreds_of_runs_stay_below_ten_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mer.report.html_run.draw_curves", lambda *_: (_ for _ in ()).throw(AssertionError))
    run = write_run(tmp_path / "run0")
    shutil.rmtree(run / "folds")
    write_noise(run / "figures" / "flow_samples.png", 0, 1500)
    (one,) = find_runs([tmp_path])
    metrics = fake_metrics(fake_predictions(subjects=100, seed=1)) | {"command": ["mer", "train", "x" * 3000]}
    runs = [type(one)(one.path, dict(one.config) | {"depth": n, "long": "y" * 5000}, metrics) for n in range(100)]
    page = render_report(runs, "mer: many")
    assert 500_000 < len(page.encode()) < 10_000_000
    assert "the sections of" in page
    assert "No figure is drawn of 100 settings" in page


@pytest.mark.parametrize("text", ["{", "[]", '{"accuracy": 1}'])
def test_spoilt_metrics_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (write_run(tmp_path / "run") / "metrics.json").write_text(text)
    for verb in ("compare", "report"):
        result = run_mer(capsys, verb, str(tmp_path))
        assert result.code == 2
        assert result.err.count("\n") == 1
    assert not (tmp_path / "report.html").exists()


def test_compare_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for depth in (1, 2):
        write_run(tmp_path / str(depth), {"model": {"depth": depth}})
    rows = json.loads(run_mer(capsys, "compare", str(tmp_path), "--json").out)
    assert [row["settings"] for row in rows] == [{"model.depth": "1"}, {"model.depth": "2"}]
