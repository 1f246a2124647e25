"""W&B, offline: what a run writes can be read back."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from mer.tracking.wandb_run import wandb_mode
from tests.fakes import write_flow_images
from tests.runner import run_mer, train_words

_BLOCK, _HEADER, _START = 32768, 7, 7


def records(path: Path) -> list[Any]:
    """Records of a .wandb file: LevelDB's log format, each record a protobuf."""
    from wandb.proto import wandb_internal_pb2

    data, found, parts, at = path.read_bytes(), [], b"", _START
    while at + _HEADER <= len(data):
        room = _BLOCK - at % _BLOCK
        if room < _HEADER:
            at += room
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + _HEADER])
        parts += data[at + _HEADER : at + _HEADER + length]
        at += _HEADER + length
        if kind in (1, 4):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            found.append(record)
            parts = b""
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning:wandb")
def test_offline_run_holds_config_curves_and_pooled_scores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    write_flow_images(tmp_path / "data")
    result = run_mer(capsys, *train_words(tmp_path / "data", tmp_path / "outputs", "logger=wandb"))
    assert result.code == 0, result.err
    (file,) = (tmp_path / "outputs").glob("tiny/*/wandb/offline-run-*/*.wandb")
    (metrics_file,) = (tmp_path / "outputs").glob("tiny/*/metrics.json")
    metrics = json.loads(metrics_file.read_text())

    logged, summary = set(), {}
    for record in records(file):
        for item in record.history.item:
            logged.add(item.key or "/".join(item.nested_key))
        for item in record.summary.update:
            summary[item.key or "/".join(item.nested_key)] = item.value_json
    for subject in ("smic-s01", "smic-s02"):
        assert any(key.startswith(f"folds/{subject}") and key.endswith("train_loss") for key in logged), sorted(logged)
    assert float(summary["uf1"]) == pytest.approx(metrics["uf1"])
    assert any("confusion" in key for key in logged | set(summary))


def test_jobs_of_a_sweep_are_runs_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    write_flow_images(tmp_path / "data")
    sweep = ("-m", "logger=wandb", "model.widths=[4],[5]", "trainer.max_epochs=1")
    result = run_mer(capsys, *train_words(tmp_path / "data", tmp_path / "outputs", *sweep))
    assert result.code == 0, result.err
    files = list((tmp_path / "outputs").glob("tiny/sweep/*/wandb/offline-run-*/*.wandb"))
    runs = [record.run for file in files for record in records(file) if record.HasField("run")]
    assert len({run.run_id for run in runs}) == 2
    assert {run.run_group for run in runs} == {"sweep"}


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
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "netrc").write_text(login)
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert wandb_mode() == mode


def test_only_tracking_imports_wandb() -> None:
    package = Path(__file__).parents[2] / "mer"
    importers = [path for path in package.rglob("*.py") if "import wandb" in path.read_text()]
    assert {path.parent.name for path in importers} == {"tracking"}
