"""W&B, offline: what a run writes can be read back."""

import json
import multiprocessing
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import wandb
import yaml

from mer.protocols.folds import Fold
from mer.tracking import tracked
from mer.tracking.wandb_run import WandbTracker, default_group, prepare_environment, wandb_mode
from tests.fakes import write_flow_images
from tests.fakes.runs import fake_metrics, fake_predictions, write_run
from tests.runner import run_mer, train_words
from tests.tracking.wandb_file import Kept, read_wandb

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:wandb")

TABLE = fake_predictions(subjects=3)


def track(tracker: WandbTracker, folder: Path, is_new: bool = True, **config: Any) -> None:
    """Tell ``tracker`` a run from its beginning to its end."""
    tracker.open(folder, "abcd", {"name": "tiny", "sweep_name": "sweep"} | config)
    for path in sorted((folder / "folds").iterdir()):
        tracker.fold(Fold(np.array([0]), np.array([1]), path.name), path, is_new)
    tracker.close(fake_metrics(TABLE), TABLE)


def kept(folder: Path) -> list[Kept]:
    """The runs that lie in ``folder``, the LOSO run first."""
    return sorted(map(read_wandb, folder.glob("wandb/*run-*/*.wandb")), key=lambda one: len(one.run.run_id))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "outputs" / "tiny" / "2026", table=TABLE)


def test_training_logs_config_result_and_artifact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_flow_images(tmp_path / "data")
    result = run_mer(capsys, *train_words(tmp_path / "data", tmp_path / "outputs", "logger=wandb"))
    assert result.code == 0, result.err
    assert "tracker" not in result.err
    (folder,) = [path.parent for path in (tmp_path / "outputs").glob("tiny/*/metrics.json")]
    (one,) = kept(folder)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert one.config["model"]["depth"] == 1
    assert one.summary["uf1"] == pytest.approx(metrics["uf1"])
    assert one.exit_code == 0
    files = one.artifacts[f"run-{one.run.run_id}"]
    assert {"config.yaml", "predictions.csv", "metrics.json", "folds/smic-s01/metrics.csv"} <= set(files)
    assert files["metrics.json"].read_bytes() == (folder / "metrics.json").read_bytes()
    assert yaml.safe_load(files["config.yaml"].read_text())["name"] == "tiny"


def test_curves_are_mean_and_band_of_the_folds_over_epochs(folder: Path) -> None:
    track(WandbTracker(), folder)
    (one,) = kept(folder)
    losses = np.array([pd.read_csv(path)["train_loss"] for path in folder.glob("folds/*/metrics.csv")])
    assert one.column("epoch") == [0, 1, 2]
    assert one.column("curves/train_loss/mean") == pytest.approx(losses.mean(axis=0).tolist())
    assert one.column("curves/train_loss/min") == pytest.approx(losses.min(axis=0).tolist())
    assert one.column("curves/train_loss/max") == pytest.approx(losses.max(axis=0).tolist())
    assert one.column("curves/train_loss/sd") == pytest.approx(losses.std(axis=0, ddof=1).tolist())
    hits = (TABLE["target"] == TABLE["prediction"]).groupby(TABLE["subject"]).agg(["sum", "count"]).cumsum()
    assert one.column("progress/folds") == [1, 2, 3]
    assert one.column("progress/accuracy") == pytest.approx((hits["sum"] / hits["count"]).tolist())


def test_summary_holds_pooled_scores_with_their_intervals(folder: Path) -> None:
    track(WandbTracker(), folder)
    (one,) = kept(folder)
    metrics = fake_metrics(TABLE)
    for score in ("accuracy", "uf1", "uar"):
        low, high = metrics["intervals"][score]
        found = [one.summary[name] for name in (score, f"{score}_low", f"{score}_high")]
        assert found == pytest.approx([metrics[score], low, high])
    assert one.summary["class/surprise/f1"] == pytest.approx(metrics["per_class"]["surprise"]["f1"])
    assert one.summary["dataset/smic/uar"] == pytest.approx(metrics["uar"])
    assert not any(name.startswith(("curves/", "progress/")) for name in one.summary)


def test_tables_hold_predictions_folds_and_classes(folder: Path) -> None:
    track(WandbTracker(), folder)
    (media,) = folder.glob("wandb/offline-run-*/files/media")
    rows = {path.name.split("_")[0]: json.loads(path.read_text()) for path in media.glob("table/*.json")}
    assert [row[2] for row in rows["predictions"]["data"]] == TABLE["clip"].tolist()
    assert rows["folds"]["columns"] == ["subject", "clips", "accuracy", "seconds", "seed"]
    assert [row[0] for row in rows["folds"]["data"]] == ["smic-s01", "smic-s02", "smic-s03"]
    assert [row[0] for row in rows["classes"]["data"]] == ["negative", "positive", "surprise"]
    assert {path.name.split("_")[0] for path in media.glob("images/figures/*.png")} == {"confusion", "curves"}


@pytest.mark.parametrize("wanted", [False, True])
def test_weights_are_in_the_artifact_only_where_asked_for(wanted: bool, folder: Path) -> None:
    track(WandbTracker(checkpoints=wanted), folder)
    (one,) = kept(folder)
    assert any(name.endswith(".safetensors") for name in one.artifacts[f"run-{one.run.run_id}"]) is wanted


@pytest.mark.parametrize("wanted", [False, True])
def test_figures_of_faces_are_logged_only_where_asked_for(wanted: bool, folder: Path) -> None:
    for name in ("flow_samples", "flow_on_faces"):
        shutil.copy(folder / "figures" / "confusion.png", folder / "figures" / f"{name}.png")
    track(WandbTracker(faces=wanted), folder)
    (one,) = kept(folder)
    files = one.artifacts[f"run-{one.run.run_id}"]
    media = folder.glob("wandb/offline-run-*/files/media/images/figures/*")
    logged = {path.name.rsplit("_", 2)[0] for path in media}
    assert logged == {"confusion", "curves", "flow_samples"} | ({"flow_on_faces"} if wanted else set())
    assert {Path(name).stem for name in files if name.startswith("figures/")} == logged


def test_folds_are_runs_of_their_own_where_asked_for(folder: Path) -> None:
    track(WandbTracker(folds=True), folder)
    whole, *folds = kept(folder)
    assert len({one.run.run_id for one in folds}) == 3
    assert {one.run.run_group for one in (whole, *folds)} == {"tiny"}
    assert {one.run.job_type for one in folds} == {"fold"}
    curves = pd.read_csv(folder / "folds" / "smic-s01" / "metrics.csv")
    first = next(one for one in folds if one.summary["subject"] == "smic-s01")
    assert first.column("train_loss") == pytest.approx(curves["train_loss"].tolist())
    track(WandbTracker(folds=True), folder, is_new=False)
    assert len(kept(folder)) == 5  # one more: the run went on, its folds were there
    track(WandbTracker(folds=True), folder)
    assert len(kept(folder)) == 9  # trained again, logged again


def test_run_that_fails_says_why_and_goes_on_under_its_id(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), tracked(WandbTracker(), folder, "abcd", {"name": "tiny"}):
        raise ZeroDivisionError("of all things")
    (failed,) = kept(folder)
    assert failed.exit_code == 1
    assert failed.summary["ended_by"] == "ZeroDivisionError: of all things"
    assert json.loads((folder / "failure.json").read_text())["reason"] == failed.summary["ended_by"]
    track(WandbTracker(), folder)
    again = kept(folder)
    assert {one.run.run_id for one in again} == {failed.run.run_id}
    assert sorted(one.exit_code or 0 for one in again) == [0, 1]


def test_jobs_of_a_sweep_are_runs_of_one_group(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_flow_images(tmp_path / "data")
    sweep = ("-m", "logger=wandb", "model.widths=[4],[5]", "trainer.max_epochs=1")
    result = run_mer(capsys, *train_words(tmp_path / "data", tmp_path / "outputs", *sweep))
    assert result.code == 0, result.err
    runs = [one for folder in (tmp_path / "outputs").glob("tiny/sweep/*") for one in kept(folder)]
    assert sorted(one.config["model"]["widths"] for one in runs) == [[4], [5]]
    assert len({one.run.run_id for one in runs}) == 2
    assert {one.run.run_group for one in runs} == {"tiny/sweep"}
    assert all("uf1" in one.summary and one.exit_code == 0 for one in runs)


def _track_in_a_process(folder: str) -> int:
    prepare = {"name": "tiny", "sweep_name": "sweep", "where": folder, "many": {str(n): n for n in range(200)}}
    track(WandbTracker(), Path(folder), **prepare)
    return os.getpid()


@pytest.mark.slow
def test_processes_side_by_side_keep_each_run_whole(tmp_path: Path, folder: Path) -> None:
    track(WandbTracker(), folder)  # the parent's service, whose address its children inherit
    folders = [str(write_run(tmp_path / "outputs" / "tiny" / f"job{n}", table=TABLE)) for n in range(6)]
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        processes = pool.map(_track_in_a_process, folders, chunksize=1)
    assert os.getpid() not in processes
    for one, path in ((kept(Path(path)), path) for path in folders):
        assert len(one) == 1
        assert one[0].config["where"] == path
        assert len(one[0].config["many"]) == 200
        assert one[0].summary["uf1"] == pytest.approx(fake_metrics(TABLE)["uf1"])
        assert one[0].column("epoch") == [0, 1, 2]
        assert one[0].exit_code == 0


def test_service_of_another_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for token, stays in (("3-1-unix-/gone", False), (f"3-{os.getpid()}-unix-/mine", True)):
        monkeypatch.setenv("WANDB_SERVICE", token)
        prepare_environment()
        assert ("WANDB_SERVICE" in os.environ) is stays


def test_run_starts_where_a_service_was_inherited_that_is_gone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb.teardown()
    monkeypatch.setenv("WANDB_SERVICE", "3-1-unix-/gone/socket")
    track(WandbTracker(), folder)
    assert len(kept(folder)) == 1


def test_server_out_of_reach_leaves_the_run_offline(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wandb.teardown()  # a service reads the environment when it starts
    monkeypatch.setattr("mer.tracking.wandb_run._START_S", 1.0)
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    track(WandbTracker(), folder)
    assert "wandb sync" in capsys.readouterr().err
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    assert read_wandb(file).summary["uf1"] == pytest.approx(fake_metrics(TABLE)["uf1"])
    wandb.teardown()


def test_missing_package_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_flow_images(tmp_path / "data")
    monkeypatch.setitem(sys.modules, "wandb", None)
    for name in ("wandb_run", "wandb_content", "wandb_package"):
        monkeypatch.delitem(sys.modules, f"mer.tracking.{name}", raising=False)
        monkeypatch.delattr(f"mer.tracking.{name}", raising=False)
    result = run_mer(capsys, *train_words(tmp_path / "data", tmp_path / "outputs", "logger=wandb"))
    assert result.code == 2
    assert "pip install wandb" in result.err.splitlines()[-1]
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("environment", "login", "mode"),
    [
        ({}, "", "offline"),
        ({"WANDB_API_KEY": "x"}, "", "online"),
        ({"WANDB_MODE": "disabled", "WANDB_API_KEY": "x"}, "", "disabled"),
        ({}, "machine api.wandb.ai login user password x\n", "online"),
        ({}, "machine elsewhere login user password x\n", "offline"),
        ({}, "machine broken", "offline"),
    ],
)
def test_wandb_is_offline_unless_logged_in(
    environment: dict[str, str], login: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_MODE")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "netrc").write_text(login)
    (tmp_path / "netrc").chmod(0o600)
    assert wandb_mode() == mode


def test_jobs_of_a_sweep_are_grouped_with_their_experiment() -> None:
    config = {"name": "casme2", "sweep_name": "depth"}
    assert default_group(Path("outputs/casme2/depth/model.depth=1"), config) == "casme2/depth"
    assert default_group(Path("outputs/casme2/2026-01-01"), config) == "casme2"


def test_disabled_mode_runs_through(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    track(WandbTracker(folds=True), folder)
    assert not list(folder.glob("wandb/*run-*"))


def test_only_tracking_imports_wandb() -> None:
    package = Path(__file__).parents[2] / "mer"
    importers = [path for path in package.rglob("*.py") if "import wandb" in path.read_text()]
    assert {path.parent.name for path in importers} == {"tracking"}
