"""From raw frames in CASME II's layout to a pooled score, through the commands."""

import json
import signal
import time
from pathlib import Path

import pytest

import mer.build
import mer.dataset_flow
import mer.preparation
from mer.synth import write_casme2
from tests.runner import run_mer, start_mer
from tests.tracking.wandb_file import read_wandb

SMALL = (
    "dataset=casme2",
    "labels=megc3",
    "align=given",
    "align.size_px=64",
    "features.size=28",
    "model.depth=1",
    "model.widths=[4]",
    "trainer.max_epochs=1",
    "trainer.accelerator=cpu",
)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("synthetic") / "casme2"
    write_casme2(root, subjects=2, clips_per_subject=3, duration_s=(0.025, 0.025))
    return root


def words(root: Path, tmp_path: Path, *more: str) -> list[str]:
    return [*SMALL, f"dataset.root={root}", f"store={tmp_path / 'store'}", f"outputs={tmp_path / 'outputs'}", *more]


def test_synth_check_prepare_train_score(synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "written"
    few = ("synth.subjects=2", "synth.clips_per_subject=2", "synth.duration_s=[0.015,0.015]")
    assert json.loads(run_mer(capsys, "synth", f"out={out}", *few, "json=true").out)["n_clips"] == 4
    assert len(list(out.glob("CASME2-RAW/*/*/*.jpg"))) == 16

    checked = json.loads(run_mer(capsys, "check", *words(synthetic, tmp_path, "json=true")).out)
    assert (checked["n_clips"], checked["n_subjects"], checked["notes"]) == (6, 2, [])
    table = run_mer(capsys, "check", *words(synthetic, tmp_path))
    assert "sub02" in table.out

    prepared = run_mer(capsys, "prepare", *words(synthetic, tmp_path, "json=true"))
    told = json.loads(prepared.out)
    assert (told["n_clips"], told["flow_shape"], told["notes"]) == (6, [6, 2, 28, 28], [])
    assert len(told["beyond_bound"]) == 6
    assert all(0 <= share <= 1 for share in told["beyond_bound"].values())
    store = sorted((tmp_path / "store").glob("**/*.safetensors"))
    assert len(store) == 6 + 6 + 6  # key frames, landmarks, flow

    trained = run_mer(capsys, "train", *words(synthetic, tmp_path))
    assert trained.code == 0, trained.err
    assert "accuracy" in trained.out
    assert sorted((tmp_path / "store").glob("**/*.safetensors")) == store

    (predictions,) = (tmp_path / "outputs").glob("casme2/*/predictions.csv")
    scored = json.loads(run_mer(capsys, "score", str(predictions), "--json").out)
    metrics = json.loads(predictions.with_name("metrics.json").read_text())
    assert scored["pooled"]["confusion"] == metrics["confusion"]
    assert scored["pooled"]["intervals"] == metrics["intervals"]


def test_sweep_over_alpha_and_lambda_reads_the_same_key_frames(
    synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = ("-m", "magnify.alpha=0,20", "magnify.lambda_c=16,8")
    result = run_mer(capsys, "train", *words(synthetic, tmp_path, *sweep))
    assert result.code == 0, result.err
    assert len(list((tmp_path / "outputs").glob("casme2/sweep/*/metrics.json"))) == 4
    assert len(list((tmp_path / "store").glob("casme2/*/*/key_frames-*"))) == 6
    assert len(list((tmp_path / "store").glob("casme2/*/*/flow-*"))) == 4 * 6


def test_finished_jobs_are_found_complete_without_computing_flow(
    synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = words(synthetic, tmp_path, "-m", "+sweep=alpha_lambda", "magnify.alpha=5,10", "magnify.lambda_c=16")
    assert run_mer(capsys, "train", *sweep).code == 0

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a finished job computes nothing again")

    monkeypatch.setattr(mer.dataset_flow, "_flow", refuse)
    monkeypatch.setattr(mer.preparation, "key_frames_of", refuse)
    monkeypatch.setattr(mer.build, "build_module", refuse)
    again = run_mer(capsys, "train", *sweep)
    assert again.code == 0, again.err
    assert [line.partition(":")[0] for line in again.err.splitlines()] == ["complete already"] * 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:wandb")
def test_killed_sweep_goes_on_trains_no_job_twice_and_logs_twelve_runs(
    synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    sweep = words(synthetic, tmp_path, "-m", "+sweep=alpha_lambda", "name=tiny", "logger=wandb")
    process = start_mer("train", *sweep, folder=tmp_path)
    jobs = tmp_path / "outputs" / "tiny" / "alpha_lambda"
    deadline = time.monotonic() + 500
    while len(list(jobs.glob("*/metrics.json"))) < 5:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    files = ("*/metrics.json", "*/folds/[!.]*/predictions.csv")
    before = {path: path.stat().st_mtime_ns for pattern in files for path in jobs.glob(pattern)}
    assert 5 <= len(list(jobs.glob("*/metrics.json"))) < 12

    again = run_mer(capsys, "train", *sweep)
    assert again.code == 0, again.err
    assert len(list(jobs.glob("*/metrics.json"))) == 12
    assert "12 jobs" in again.out
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert again.err.count("trained") == 12 * 2 - len([path for path in before if path.name == "predictions.csv"])

    # The kill may leave a file without a record, of which only the name tells the run.
    logged = {job: sorted(job.glob("wandb/*run-*/*.wandb")) for job in jobs.iterdir()}
    assert all(len({path.name for path in files}) == 1 for files in logged.values())
    ended = [read_wandb(files[-1]) for files in logged.values()]
    assert len({one.run.run_id for one in ended}) == 12
    assert len({(one.config["magnify"]["alpha"], one.config["magnify"]["lambda_c"]) for one in ended}) == 12
    assert all(one.exit_code == 0 and "uf1" in one.summary for one in ended)


def test_magnification_enlarges_the_flow(synthetic: Path, tmp_path: Path) -> None:
    from hydra import compose, initialize_config_dir

    from mer.experiment import load_index, prepare_maps
    from mer.hydra_app import conf_dir

    def mean_px(magnify: str) -> float:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            cfg = compose("train", [*words(synthetic, tmp_path), f"magnify={magnify}", "name=x"])
        return float(prepare_maps(cfg, load_index(cfg))[1].flow.norm(dim=1).mean())

    assert mean_px("evm") > 2 * mean_px("none")


def test_features_of_the_apex_frame_train_on_it_and_faces_are_drawn_only_where_asked_for(
    synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = []
    for more in (("features=uvm_grey",), ("features=rgb_uveps", "show_faces=true")):
        told = json.loads(run_mer(capsys, "train", *words(synthetic, tmp_path, "json=true", *more)).out)
        assert told["n_clips"] == 6
        drawn.append(sorted(path.stem for path in (Path(told["run"]) / "figures").glob("*.png")))
    assert drawn == [["confusion", "flow_samples"], ["confusion", "flow_on_faces", "flow_samples", "magnification"]]
    # Colour and grey share them.
    assert len(list((tmp_path / "store").glob("casme2/*/*/apex_frame-*"))) == 6


def test_clip_without_landmarks_is_named_and_the_run_goes_on(
    synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (synthetic / "landmarks.csv").read_text().splitlines()
    (tmp_path / "landmarks.csv").write_text("\n".join(lines[:-1]))
    result = run_mer(capsys, "prepare", *words(synthetic, tmp_path, f"align.landmarks.path={tmp_path}/landmarks.csv"))
    assert result.code == 0
    assert "refused casme2/sub02/" in result.err
    assert result.out.startswith("5 clips prepared")


def test_dlib_missing_is_one_line_with_remedies(
    synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "dlib", None)
    result = run_mer(capsys, "prepare", *words(synthetic, tmp_path), "align=dlib", "align.size_px=64")
    assert result.code == 2
    assert "align=given" in result.err.splitlines()[-1]
