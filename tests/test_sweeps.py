"""Sweeps: their files, jobs that fail, what is told at the end, searches."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import MissingConfigException
from omegaconf import DictConfig, OmegaConf

import mer.experiment
from mer.errors import MerError
from mer.hydra_app import conf_dir
from mer.messages import user_message
from mer.protocols import reporting
from mer.sweeps import SweepRecords
from tests.fakes import write_flow_images
from tests.runner import run_mer, train_words

SWEEPS = sorted(path.stem for path in (conf_dir() / "sweep").glob("*.yaml"))
SEARCHES = {"optuna"}
Experiment = Callable[[DictConfig], tuple[Path, dict[str, Any]]]


def composed(*words: str) -> DictConfig:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", list(words), return_hydra_config=True)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[DictConfig]:
    """The configurations of the jobs that ran; their training is left out, and scores what the depth says."""
    jobs: list[DictConfig] = []

    def experiment(cfg: DictConfig) -> tuple[Path, dict[str, Any]]:
        jobs.append(cfg)
        if cfg.model.depth == 13:
            raise MerError("a lucky number", "13", "choose another")
        if cfg.model.depth == 15:
            raise RuntimeError("out of\nmemory")
        if cfg.model.depth == 11:
            raise KeyboardInterrupt
        return Path("run"), dict.fromkeys(("accuracy", "uf1", "uar"), cfg.model.depth / 100)

    monkeypatch.setattr(mer.experiment, "run_experiment", experiment)
    return jobs


def words(tmp_path: Path, *more: str) -> list[str]:
    return ["train", "-m", f"outputs={tmp_path / 'outputs'}", *more]


@pytest.mark.parametrize("sweep", SWEEPS)
def test_sweep_file_names_its_command_and_sweeps_settings_that_are_there(sweep: str) -> None:
    if sweep in SEARCHES:
        pytest.importorskip(f"hydra_plugins.hydra_{sweep}_sweeper")
    package, command, *_ = (conf_dir() / "sweep" / f"{sweep}.yaml").read_text().splitlines()
    assert package == "# @package _global_"
    assert command.startswith(f"# mer train -m +sweep={sweep} ")
    cfg = composed("experiment=demo", f"+sweep={sweep}")
    assert (cfg.name, cfg.sweep_name) == ("demo", sweep)
    swept = [f"{key}={values}" for key, values in cfg.hydra.sweeper.params.items()]
    for override in OverridesParser.create().parse_overrides(swept):
        assert OmegaConf.select(cfg, override.key_or_group) is not None
        assert override.is_sweep_override()


@pytest.mark.parametrize("sweep", ["features", "magnification", "widths"])
def test_jobs_of_a_sweep_file_differ(
    sweep: str, tmp_path: Path, seen: list[DictConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["features.branch_a=[u,v]"] if sweep == "features" else []
    result = run_mer(capsys, *words(tmp_path, f"+sweep={sweep}", "model.depth=1", *few))
    assert result.code == 0, result.err
    jobs = [OmegaConf.to_yaml(OmegaConf.masked_copy(cfg, ["model", "magnify", "features"])) for cfg in seen]
    assert len(set(jobs)) == len(jobs) > 1
    assert f"{len(jobs)} jobs" in result.out


def test_words_of_the_command_line_win(
    tmp_path: Path, seen: list[DictConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_mer(capsys, *words(tmp_path, "+sweep=alpha_lambda", "magnify.alpha=7", "magnify.lambda_c=3,4"))
    assert result.code == 0, result.err
    assert [(cfg.magnify.alpha, cfg.magnify.lambda_c) for cfg in seen] == [(7, 3), (7, 4)]
    rows = [line.split() for line in result.out.splitlines() if "lambda_c" in line]
    assert [row[1] for row in rows] == ["magnify.lambda_c=3", "magnify.lambda_c=4"]


def test_sweep_file_without_m_is_refused(
    tmp_path: Path, seen: list[DictConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_mer(capsys, "train", "+sweep=depth", f"outputs={tmp_path}")
    assert (result.code, seen) == (2, [])
    assert "-m for +sweep=depth" in result.err


def test_failed_jobs_are_told_at_the_end_and_the_others_run(
    tmp_path: Path, seen: list[DictConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_mer(capsys, *words(tmp_path, "seed=3", "model.depth=13,2,15,4"))
    assert [cfg.model.depth for cfg in seen] == [13, 2, 15, 4]
    assert result.err.splitlines()[-2:] == [
        "mer: job 1 of 4 failed, model.depth=13: expected a lucky number; got 13; choose another",
        "mer: job 3 of 4 failed, model.depth=15: RuntimeError: out of memory; MER_DEBUG=1 shows where",
    ]
    assert "Traceback" not in result.err
    assert result.code == 1
    assert [line.split()[1:] for line in result.out.splitlines() if "model.depth=" in line] == [
        ["model.depth=13", "failed"],
        ["model.depth=2", "0.0200", "0.0200", "0.0200"],
        ["model.depth=15", "failed"],
        ["model.depth=4", "0.0400", "0.0400", "0.0400"],
    ]


def test_bad_settings_alone_give_exit_code_2(
    tmp_path: Path, seen: list[DictConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_mer(capsys, *words(tmp_path, "model.depth=13,2")).code == 2


def test_sweep_that_hydra_was_told_of_otherwise_tells_of_failures_too(
    tmp_path: Path, seen: list[DictConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", f"outputs={tmp_path}", "hydra.mode=MULTIRUN", "model.depth=13,2"]
    assert run_mer(capsys, *words).code == 2
    assert [cfg.model.depth for cfg in seen] == [13, 2]


def test_debug_shows_where_a_job_failed(
    tmp_path: Path, seen: list[DictConfig], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MER_DEBUG", "1")
    result = run_mer(capsys, *words(tmp_path, "model.depth=15,2"))
    assert "Traceback" in result.err
    assert [cfg.model.depth for cfg in seen] == [15, 2]


def test_interrupt_stops_the_whole_sweep_and_leaves_nothing_behind(
    tmp_path: Path, seen: list[DictConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_mer(capsys, *words(tmp_path, "model.depth=1,11,3"))
    assert [cfg.model.depth for cfg in seen] == [1, 11]
    assert result.code == 130
    assert "start the same command again" in result.err
    assert not list((tmp_path / "outputs").glob(".jobs-*"))


def test_jobs_in_json_print_nothing_else(
    tmp_path: Path, seen: list[DictConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_mer(capsys, *words(tmp_path, "model.depth=1,3", "json=true"))
    decoder, at, found = json.JSONDecoder(), 0, []
    while result.out[at:].strip():
        one, at = decoder.raw_decode(result.out, at)
        found.append(one["uf1"])
        at += 1
    assert found == [0.01, 0.03]


@pytest.mark.parametrize("objective", ["loss", "3"])
def test_unknown_objective_is_refused(objective: str, tmp_path: Path, seen: list[DictConfig],
                                      capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    result = run_mer(capsys, "train", f"outputs={tmp_path}", f"objective={objective}")
    assert (result.code, seen) == (2, [])
    assert "objective to be one of accuracy, uar, uf1" in result.err


def test_missing_plugin_names_the_extra() -> None:
    for plugin, extra in (("sweeper/optuna", "optuna"), ("launcher/submitit_slurm", "submitit")):
        error = MissingConfigException(f"In 'train': Could not find 'hydra/{plugin}'\n\nAvailable options", "x")
        assert f"pip install 'mer[{extra}]'" in str(user_message(error))
    other = MissingConfigException("In 'train': Could not find 'hydra/launcher/nosuch'", "x")
    assert "pip install" not in str(user_message(other))


class TestOptuna:
    """Searches through Optuna; its sweeper is an extra."""

    @pytest.fixture(autouse=True)
    def _extra(self) -> None:
        pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")

    @pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
    def test_search_maximises_its_objective_and_survives_failed_trials(
        self, tmp_path: Path, seen: list[DictConfig], capsys: pytest.CaptureFixture[str]
    ) -> None:
        fixed = ("magnify.alpha=20", "magnify.lambda_c=16", "model.fusion=add", "recognition.optimizer.lr=1e-3")
        more = ("model.depth=choice(1,9,13)", "hydra.sweeper.n_trials=8")
        result = run_mer(capsys, *words(tmp_path, "+sweep=optuna", *fixed, *more))
        depths = [cfg.model.depth for cfg in seen]
        assert len(depths) == 8
        assert {cfg.protocol._target_ for cfg in seen} == {"mer.protocols.tuning"}
        assert set(depths) == {1, 9, 13}
        best = OmegaConf.load(tmp_path / "outputs" / "optimization_results.yaml")
        assert (best.best_params["model.depth"], best.best_value) == (9, pytest.approx(0.09))
        assert "best uf1 on the tuning subjects, 0.0900: model.depth=9" in result.err
        assert result.code == 2
        assert f"job {depths.index(13) + 1} of 8 failed, model.depth=13" in result.err

    @pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
    def test_search_without_an_objective_is_refused(
        self, tmp_path: Path, seen: list[DictConfig], capsys: pytest.CaptureFixture[str]
    ) -> None:
        more = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=1", "hydra.sweeper.n_jobs=1", "model.depth=choice(1,2)")
        result = run_mer(capsys, *words(tmp_path, *more))
        assert result.code != 0
        assert "objective=" in result.err
        assert seen == []


@pytest.fixture
def many(tmp_path: Path) -> Path:
    write_flow_images(tmp_path / "data", subjects=6, clips_per_subject=3)
    return tmp_path / "data"


def test_search_on_a_protocol_that_tests_everybody_is_refused(
    many: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_mer(capsys, *train_words(many, tmp_path / "outputs", "objective=uf1"))
    assert result.code == 2
    assert "all 6 subjects" in result.err
    assert not (tmp_path / "outputs").exists()


def test_objective_does_not_change_with_what_reporting_subjects_show(
    many: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search = ("objective=uf1", "protocol=tuning", "protocol.k=2")

    def predictions(outputs: Path) -> pd.DataFrame:
        result = run_mer(capsys, *train_words(many, outputs, *search))
        assert result.code == 0, result.err
        (path,) = outputs.glob("tiny/*/predictions.csv")
        return pd.read_csv(path)

    before = predictions(tmp_path / "before")
    labels = pd.read_csv(many / "labels.csv")
    kept_back = {fold.subject for fold in reporting(labels)}
    assert not kept_back & set(before["dataset"] + "-" + before["subject"])
    shown = labels[(labels["dataset"] + "-" + labels["subject"]).isin(kept_back)]["file"]
    for file, other in zip(shown, reversed(list(shown)), strict=True):
        (many / f"new_{file}").write_bytes((many / other).read_bytes())
    for file in shown:
        (many / f"new_{file}").replace(many / file)
    pd.testing.assert_frame_equal(predictions(tmp_path / "after"), before)


def test_composing_a_sweep_imports_no_torch() -> None:
    # What hands out jobs to other processes composes all of them first.
    script = "import sys, mer.verbs.train; sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_outcomes_of_a_killed_sweep_are_removed_by_the_next_and_those_of_a_living_one_are_not(tmp_path: Path) -> None:
    config = OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}}})
    killed, living = tmp_path / ".jobs-killed", tmp_path / ".jobs-living"
    SweepRecords("living").on_multirun_start(config)
    killed.mkdir()
    ended = subprocess.Popen(["true"])
    signature = json.loads((living / "launcher").read_text())
    ended.wait()
    (killed / "launcher").write_text(json.dumps(signature | {"pid": ended.pid}))
    (killed / "1-2.json").touch()
    SweepRecords("next").on_multirun_start(config)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".jobs-living", ".jobs-next"]
    for launch in ("living", "next"):
        assert SweepRecords.collect(launch) == []
    assert list(tmp_path.iterdir()) == []
