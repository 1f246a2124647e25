"""`mer train`, end to end on flow images of noise: a run's folder, resume, sweeps."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file

from mer.metrics import confusion_matrix, uar, uf1
from tests.fakes import write_flow_images
from tests.runner import only_run, run_mer, start_mer, train_words

SUBJECTS = 4


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_flow_images(tmp_path / "data", subjects=SUBJECTS, clips_per_subject=3)
    return tmp_path / "data"


def fold_times(run: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in run.glob("folds/*/predictions.csv")}


def wait_for(process: subprocess.Popen[str], outputs: Path, name: str) -> None:
    """Until a file or folder ``name`` stands in the run's folder."""
    deadline = time.monotonic() + 120
    while not list(outputs.glob(f"tiny/*/{name}")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_run_folder_holds_what_it_promises(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, *train_words(root, tmp_path / "outputs"))
    assert result.code == 0, result.err
    run = only_run(tmp_path / "outputs")
    table = pd.read_csv(run / "predictions.csv")
    labels = pd.read_csv(root / "labels.csv")
    assert table["clip"].tolist() == labels["clip"].tolist()
    assert table["target"].tolist() == labels["label"].tolist()
    classes = ["negative", "positive", "surprise"]
    probabilities = table[[f"prob_{label}" for label in classes]].to_numpy()
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert [classes[row.argmax()] for row in probabilities] == table["prediction"].tolist()

    metrics = json.loads((run / "metrics.json").read_text())
    numbers = [[classes.index(label) for label in table[column]] for column in ("target", "prediction")]
    pooled = confusion_matrix(*numbers, 3)
    assert metrics["confusion"] == pooled.tolist()
    assert (metrics["uf1"], metrics["uar"]) == (pytest.approx(uf1(pooled)), pytest.approx(uar(pooled)))
    assert (metrics["n_clips"], metrics["n_folds"], len(metrics["per_subject"])) == (12, SUBJECTS, SUBJECTS)
    assert metrics["versions"]["torch"].startswith(torch.__version__.split("+")[0])
    assert metrics["seconds"] > 0

    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["depth"] == 1
    assert (run / "figures" / "confusion.png").stat().st_size > 1000
    folds = sorted(path.name for path in (run / "folds").iterdir())
    assert folds == [f"smic-s{number:02d}" for number in range(1, SUBJECTS + 1)]
    for fold in folds:
        epochs = pd.read_csv(run / "folds" / fold / "metrics.csv")
        assert epochs["train_loss"].notna().sum() == 2
        assert "head.weight" in load_file(run / "folds" / fold / "model.safetensors")


def test_same_command_gives_the_same_predictions(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        assert run_mer(capsys, *train_words(root, tmp_path / name)).code == 0
    one, two = (only_run(tmp_path / name) / "predictions.csv" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("engine", ["sequential", "stacked"])
def test_leaky_figure_stands_beside_the_honest_one_and_says_so(
    engine: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("protocol.report_best_epoch_on_test=true", f"engine={engine}", "json=true")
    result = run_mer(capsys, *train_words(root, tmp_path / "outputs", *words))
    metrics = json.loads(result.out)
    assert "LEAKY" in result.err
    assert metrics["leaky_best_epoch_on_test"]["accuracy"] >= metrics["accuracy"]
    honest = json.loads(run_mer(capsys, *train_words(root, tmp_path / "honest", words[1], words[2])).out)
    assert honest["confusion"] == metrics["confusion"]
    assert "leaky_best_epoch_on_test" not in honest


def test_another_engine_goes_on_with_a_run(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = tmp_path / "outputs"
    run_mer(capsys, *train_words(root, outputs))
    run = only_run(outputs)
    (run / "metrics.json").unlink()
    shutil.rmtree(run / "folds" / "smic-s03")
    result = run_mer(capsys, *train_words(root, outputs, "engine=stacked"))
    assert result.code == 0, result.err
    assert only_run(outputs) == run
    assert (result.err.count("was complete"), result.err.count(": trained")) == (3, 1)


def test_seed_changes_the_predictions(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (0, 1):
        run_mer(capsys, *train_words(root, tmp_path / str(seed), f"seed={seed}"))
    one, two = (only_run(tmp_path / name) / "predictions.csv" for name in ("0", "1"))
    assert one.read_bytes() != two.read_bytes()


def test_killed_run_trains_only_what_is_missing(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = train_words(root, tmp_path / "killed", "trainer.max_epochs=40")
    process = start_mer(*words, folder=tmp_path)
    wait_for(process, tmp_path / "killed", "folds/smic-s02")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    killed = only_run(tmp_path / "killed")
    before = fold_times(killed)
    assert sorted(name for name in before if not name.startswith(".")) == ["smic-s01", "smic-s02"]
    assert not (killed / "metrics.json").exists()

    again = run_mer(capsys, *words)
    assert again.code == 0, again.err
    assert only_run(tmp_path / "killed") == killed
    after = fold_times(killed)
    assert {name: after[name] for name in ("smic-s01", "smic-s02")} == {
        name: before[name] for name in ("smic-s01", "smic-s02")
    }
    assert sorted(after) == [f"smic-s{number:02d}" for number in range(1, SUBJECTS + 1)]

    run_mer(capsys, *train_words(root, tmp_path / "whole", "trainer.max_epochs=40"))
    whole = only_run(tmp_path / "whole")
    assert (killed / "predictions.csv").read_bytes() == (whole / "predictions.csv").read_bytes()


def test_interrupted_run_says_how_to_go_on(root: Path, tmp_path: Path) -> None:
    process = start_mer(*train_words(root, tmp_path / "cut", "trainer.max_epochs=500"), folder=tmp_path)
    wait_for(process, tmp_path / "cut", "run.json")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "start the same command again" in err
    assert "Traceback" not in err
    assert fold_times(only_run(tmp_path / "cut")) == {}


def test_other_settings_do_not_resume_an_unfinished_run(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_mer(capsys, *train_words(root, tmp_path / "outputs"))
    (only_run(tmp_path / "outputs") / "metrics.json").unlink()
    run_mer(capsys, *train_words(root, tmp_path / "outputs", "model.widths=[5]"))
    assert len(list((tmp_path / "outputs").glob("**/run.json"))) == 2


def test_other_flow_does_not_resume_an_unfinished_run(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_mer(capsys, *train_words(root, tmp_path / "outputs"))
    (only_run(tmp_path / "outputs") / "metrics.json").unlink()
    run_mer(capsys, *train_words(root, tmp_path / "outputs", "dataset.zero=middle"))
    assert len(list((tmp_path / "outputs").glob("**/run.json"))) == 2


def test_flow_images_have_no_apex_frame_to_take(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, *train_words(root, tmp_path / "outputs", "features=uvm_grey", "features.size=28"))
    assert result.code == 2
    assert "expected clips of frames for the magnified apex frame; got flow images" in result.err
    assert not (tmp_path / "outputs").exists()


def test_flow_images_have_no_faces_to_show(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, *train_words(root, tmp_path / "outputs", "show_faces=true"))
    assert result.code == 2
    assert "show_faces=false" in result.err


def test_chosen_folder_of_another_run_is_refused(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = f"run_dir={tmp_path / 'mine'}"
    assert run_mer(capsys, *train_words(root, tmp_path / "outputs", mine)).code == 0
    kept = (tmp_path / "mine" / "predictions.csv").read_bytes()
    refused = run_mer(capsys, *train_words(root, tmp_path / "outputs", mine, "seed=5"))
    assert refused.code == 2
    assert "run_dir" in refused.err
    assert (tmp_path / "mine" / "predictions.csv").read_bytes() == kept
    again = run_mer(capsys, *train_words(root, tmp_path / "outputs", mine, "json=true"))
    assert json.loads(again.out)["run"] == str(tmp_path / "mine")
    assert "complete already" in again.err


def test_sweep_writes_a_run_a_job_and_skips_finished_jobs(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = train_words(root, tmp_path / "outputs", "-m", "model.depth=1,2", "model.widths=[4,4]", "sweep_name=depth")
    assert run_mer(capsys, *words).code == 0
    runs = sorted((tmp_path / "outputs" / "tiny" / "depth").glob("*/metrics.json"))
    assert len(runs) == 2
    assert ["model.depth=1" in runs[0].parent.name, "model.depth=2" in runs[1].parent.name] == [True, True]
    times = [path.stat().st_mtime_ns for path in runs]
    again = run_mer(capsys, *words)
    assert again.err.count("complete already") == 2
    assert [path.stat().st_mtime_ns for path in runs] == times

    compared = run_mer(capsys, "compare", str(tmp_path / "outputs"))
    assert "model.depth=1" in compared.out
    assert "model.depth=2" in compared.out


def test_failed_job_of_a_sweep_does_not_stop_the_others(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = train_words(root, tmp_path / "outputs", "-m", "model.depth=99,1")
    result = run_mer(capsys, *words)
    assert result.code == 2
    assert "model.depth" in result.err.splitlines()[-1]
    assert len(list((tmp_path / "outputs").glob("**/metrics.json"))) == 1 + SUBJECTS


def test_equal_subject_names_of_two_roots_are_two_folds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for dataset in ("smic", "casme2"):
        write_flow_images(tmp_path / dataset, dataset=dataset)
    roots = f"dataset.roots=[{tmp_path / 'smic'},{tmp_path / 'casme2'}]"
    result = run_mer(capsys, *train_words(tmp_path, tmp_path / "outputs", roots, "json=true"))
    metrics = json.loads(result.out)
    assert metrics["n_folds"] == 4
    assert set(metrics["per_dataset"]) == {"casme2", "smic"}
    assert sum(metrics["per_dataset"][name]["n_clips"] for name in ("casme2", "smic")) == 12


def test_real_smic_flows_train(real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = real_data / "flow_images" / "smic"
    result = run_mer(capsys, *train_words(root, tmp_path / "outputs", "trainer.max_epochs=1", "json=true"))
    metrics = json.loads(result.out)
    assert (metrics["n_clips"], metrics["n_folds"]) == (164, 16)
    assert {name: row["clips"] for name, row in metrics["per_class"].items()} == {
        "negative": 70,
        "positive": 51,
        "surprise": 43,
    }


def test_scheme_that_leaves_one_class_is_refused(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_mer(capsys, *train_words(root, tmp_path / "outputs", "labels=casme2"))
    assert result.code == 2
    assert "4 clips of surprise alone, 8 refused" in result.err
    assert not (tmp_path / "outputs").exists()


def test_joblib_workers_run_a_sweep_and_name_a_failed_job(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    words = train_words(root, tmp_path / "outputs", "-m", "launcher=joblib", "hydra.launcher.n_jobs=2")
    assert run_mer(capsys, *words, "model.widths=[4],[5]").code == 0
    assert len(list((tmp_path / "outputs").glob("tiny/sweep/*/metrics.json"))) == 2
    failed = run_mer(capsys, *words, "model.depth=99,98")
    assert failed.code == 2
    assert [line.partition(" failed, ")[0] for line in failed.err.splitlines()[-2:]] == [
        "mer: job 1 of 2",
        "mer: job 2 of 2",
    ]
    assert "model.depth=98: expected model.depth to be a number in [1, 16]; got 98" in failed.err.splitlines()[-1]
