"""Nothing in a file runs: pickles, classes to make, interpolations."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import nn

from mer.align.weights import PublishedWeights
from mer.align.weights import load_weights as load_published
from mer.errors import MerError
from mer.export import load_model
from mer.flow.flownet2.checkpoint import load_weights as load_flownet2
from mer.runs import read_run
from mer.trained import load_run
from tests.fakes.trained import write_trained_run
from tests.hostile.payloads import Exploit
from tests.runner import run_mer

PUBLISHED = PublishedWeights("the weights", "https://example.org/net-0123456789.pth", "set weights=FILE")
Load = Callable[[Path], Any]
LOADERS: dict[str, Load] = {
    "align": lambda file: load_published(PUBLISHED, str(file), nn.Linear(2, 2)),
    "flownet2": lambda file: load_flownet2(nn.Linear(2, 2), file),
    "model": load_model,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trained_run(tmp_path_factory.mktemp("run") / "run")


def pickled(file: Path, exploit: Exploit) -> None:
    file.write_bytes(pickle.dumps({"weight": exploit}))


def zipped(file: Path, exploit: Exploit) -> None:
    torch.save({"state_dict": {"weight": exploit}}, file)


def legacy(file: Path, exploit: Exploit) -> None:
    torch.save([exploit], file, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("write", [pickled, zipped, legacy])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("loader", LOADERS)
def test_pickle_is_not_run_wherever_weights_are_read(
    loader: str, suffix: str, write: Callable[[Path, Exploit], None], tmp_path: Path
) -> None:
    file, mark = tmp_path / f"weights{suffix}", tmp_path / "ran"
    write(file, Exploit(mark))
    with pytest.raises(MerError):
        LOADERS[loader](file)
    assert not mark.exists()


@pytest.mark.parametrize("write", [pickled, zipped])
def test_pickle_in_a_folds_place_is_not_run(
    run: Path, write: Callable[[Path, Exploit], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, mark = run / "folds" / "smic-s02" / "model.safetensors", tmp_path / "ran"
    kept = weights.read_bytes()
    write(weights, Exploit(mark))
    result = run_mer(capsys, "export", f"run={run}", f"out={tmp_path / 'm.safetensors'}")
    weights.write_bytes(kept)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert not mark.exists()


def test_payload_runs_where_it_is_believed(tmp_path: Path) -> None:
    zipped(tmp_path / "a.pth", Exploit(tmp_path / "ran"))
    torch.load(tmp_path / "a.pth", weights_only=False)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("loader", ["align", "flownet2"])
def test_compressed_weights_are_refused_before_they_are_unpacked(loader: str, tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1_000_000)}, tmp_path / "plain.pth")
    with (
        zipfile.ZipFile(tmp_path / "plain.pth") as given,
        zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in given.namelist():
            bomb.writestr(name, given.read(name))
    with pytest.raises(MerError, match="compressed"):
        LOADERS[loader](tmp_path / "bomb.pth")


def with_config(run: Path, change: Callable[[dict[str, Any]], object]) -> str:
    config = yaml.safe_load((run / "config.yaml").read_text())
    kept = yaml.safe_dump(config)
    change(config)
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    try:
        with pytest.raises(MerError) as refused:
            load_run(run)
    finally:
        (run / "config.yaml").write_text(kept)
    return str(refused.value)


@pytest.mark.parametrize("group", ["features", "model", "align", "flow", "recognition", "protocol", "labels"])
@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.exec",
        "subprocess.Popen",
        "hydra.utils.instantiate",
        "mer.files.shutil.rmtree",
        "mer.files.os.system",
        "mer.run_folder.subprocess.run",
        "mer.align.weights.torch.hub.load",
        "mer.flow.build.importlib.import_module",
        "mer.models.__loader__.load_module",
        "torch.optim.adam.torch.load",
        "torch.load",
    ],
)
def test_classes_from_a_config_are_mers_alone(run: Path, group: str, target: str, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    said = with_config(run, lambda config: config.update({group: {"_target_": target, "command": f"touch {mark}"}}))
    assert target in said
    assert not mark.exists()


@pytest.mark.parametrize(
    "text", ["${oc.env:MER_SECRET}", "${oc.decode:'${oc.env:MER_SECRET}'}", "x ${oc.create:{}}", "${hydra:run.dir}"]
)
def test_interpolation_in_a_config_tells_no_secret(run: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MER_SECRET", "hush-hush")
    said = with_config(run, lambda config: config["features"].update(size=text))
    assert "resolved settings" in said
    assert "hush-hush" not in said


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['touch {mark}']", "!!python/name:os.system"])
def test_yaml_makes_no_objects(run: Path, tag: str, tmp_path: Path) -> None:
    config, mark = run / "config.yaml", tmp_path / "ran"
    kept = config.read_text()
    config.write_text(f"name: {tag.format(mark=mark)}\n{kept}")
    try:
        with pytest.raises(MerError, match="finished run"):
            read_run(run)
    finally:
        config.write_text(kept)
    assert not mark.exists()
