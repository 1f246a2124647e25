"""Launchers run a sweep's jobs beside each other without a fight for the cores; what they cannot do is one line."""

import importlib.util
from collections.abc import Iterator

import cv2
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.errors import MissingConfigException
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig

from mer.hydra_app import conf_dir
from mer.launching import JobThreads, launcher_message, threads_beside
from mer.messages import user_message
from mer.threads import thread_count, usable_cores
from tests.runner import run_mer

LAUNCHERS = {path.stem: path for path in conf_dir().glob("launcher/*.yaml")}
PLUGINS = {"joblib": "hydra_joblib_launcher", "local": "hydra_submitit_launcher", "slurm": "hydra_submitit_launcher",
           "ray": "hydra_ray_launcher"}  # fmt: skip


def composed(verb: str, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose(verb, list(overrides), return_hydra_config=True)
    HydraConfig.instance().set_config(cfg)
    return cfg


@pytest.fixture(params=sorted(PLUGINS))
def launcher(request: pytest.FixtureRequest) -> str:
    """A launcher whose plugin is installed."""
    pytest.importorskip(f"hydra_plugins.{PLUGINS[request.param]}")
    return str(request.param)


def test_every_launcher_is_known_here() -> None:
    assert set(LAUNCHERS) == set(PLUGINS)
    assert all(f"launcher={name}" in path.read_text().splitlines()[1] for name, path in LAUNCHERS.items())


@pytest.mark.parametrize("verb", ["train", "prepare"])
def test_launcher_composes_and_its_settings_can_be_overridden(verb: str, launcher: str) -> None:
    cfg = composed(verb, f"launcher={launcher}")
    assert "launcher" not in {key for key in cfg if key != "hydra"}
    assert isinstance(instantiate(cfg.hydra.callbacks.job_threads), JobThreads)
    assert cfg.hydra.mode == RunMode.MULTIRUN  # without -m, too
    if launcher != "ray":
        setting = "n_jobs" if launcher == "joblib" else "cpus_per_task"
        assert composed(verb, f"launcher={launcher}", f"hydra.launcher.{setting}=3").hydra.launcher[setting] == 3


def test_launcher_and_worker_are_no_part_of_a_jobs_name_or_of_what_decides_it() -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    cfg = composed("train", "launcher=joblib", "worker=2", "share_run=true", "model.depth=2", "hydra.launcher.n_jobs=2")
    assert cfg.hydra.job.override_dirname == "model.depth=2"


@pytest.mark.parametrize(
    ("jobs", "cores", "threads"), [(1, 8, 8), (4, 8, 2), (3, 8, 2), (16, 8, 1), (-1, 8, 1), (-7, 8, 4), (-20, 8, 8)]
)
def test_jobs_share_the_cores(jobs: int, cores: int, threads: int) -> None:
    assert threads_beside(jobs, cores) == threads


@pytest.fixture
def six_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """torch and OpenCV on six threads, whatever the machine has; as before afterwards."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    monkeypatch.setattr("mer.threads._limit", None)
    torch.set_num_threads(6)
    cv2.setNumThreads(6)
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"threads": 2}, 2), ({"threads": 64}, 6), ({"jobs": 1000}, 1), ({}, 6)],
    ids=str,
)
@pytest.mark.usefixtures("six_threads")
def test_job_is_held_to_its_threads_and_never_given_more(settings: dict[str, int], expected: int) -> None:
    JobThreads(**settings).on_job_start(config=DictConfig({}))
    assert (torch.get_num_threads(), cv2.getNumThreads()) == (expected, expected)
    assert thread_count() == min(expected, usable_cores())


def test_plugin_that_is_not_installed_is_named_with_its_extra(capsys: pytest.CaptureFixture[str]) -> None:
    if importlib.util.find_spec("hydra_plugins.hydra_ray_launcher"):
        pytest.skip("installed here")
    result = run_mer(capsys, "train", "-m", "launcher=ray", "seed=0,1")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "hydra/launcher=ray; got none installed; pip install 'mer[ray]'" in result.err


@pytest.mark.parametrize(
    ("missing", "extra"),
    [("hydra/launcher/submitit_slurm", "submitit"), ("hydra/launcher/joblib.yaml", "joblib")],
)
def test_extra_is_that_of_the_plugin(missing: str, extra: str) -> None:
    assert f"'mer[{extra}]'" in str(launcher_message(MissingConfigException("m", missing)))


@pytest.mark.parametrize("missing", ["dataset/nope", "hydra/launcher/nope", "hydra/help/nope", None])
def test_other_missing_files_are_not_taken_for_plugins(missing: str | None) -> None:
    assert launcher_message(MissingConfigException("m", missing)) is None


def raised(module: str, message: str) -> Exception:
    """A RuntimeError out of a function of ``module``."""
    scope = {"__name__": module}
    exec("def run(message):\n    raise RuntimeError(message)", scope)
    run = scope["run"]
    assert callable(run)
    try:
        run(message)
    except RuntimeError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("module", ["joblib.parallel", "submitit.core.core", "ray"])
def test_job_that_a_launcher_lost_is_one_line(module: str) -> None:
    line = user_message(raised(module, "Job 12_0 (task: 0)\nhas no output (state: TIMEOUT)\n" + "-" * 40 + "\nlog"))
    assert line is not None
    assert "RuntimeError: Job 12_0 (task: 0) has no output (state: TIMEOUT); " in line
    assert "start the same command again" in line
    assert "log" not in line


@pytest.mark.parametrize("module", ["mer.experiment", "rayleigh", "joblib_like"])
def test_error_of_the_job_itself_is_not_put_down_to_the_launcher(module: str) -> None:
    assert launcher_message(raised(module, "broken")) is None


def test_error_that_was_never_raised_is_no_launchers() -> None:
    assert launcher_message(RuntimeError("broken")) is None
