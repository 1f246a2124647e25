"""A store from elsewhere: what is of another form is named and made again, whatever its checksum says."""

import hashlib
import json
import os
import shutil
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from mer.preparation import KEY_FRAMES
from mer.store import Store
from mer.store_form import read_fitting
from tests.fakes import write_casme2
from tests.runner import Result, only_run, run_mer

SMALL = (
    *(
        "dataset=casme2",
        "labels=megc3",
        "align=none",
        "align.size_px=24",
        "apex=flow_peak",
        "apex.fixed_regions=true",
        "flow=dis",
    ),
    *("features.size=12", "model.depth=1", "model.widths=[4]", "trainer.max_epochs=1", "trainer.accelerator=cpu"),
)
STEPS = ["key_frames", "flow", "apex"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of two classes beside the store of a run, and that run's predictions."""
    root = tmp_path_factory.mktemp("prepared")
    write_casme2(root / "data")
    return root


def train(root: Path, store: Path, outputs: Path, capsys: pytest.CaptureFixture[str]) -> Result:
    words = (f"dataset.root={root / 'data'}", f"store={store}", f"outputs={outputs}", "name=tiny")
    return run_mer(capsys, "train", *SMALL, *words)


@pytest.fixture(scope="module")
def kept(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    capture = pytest.MonkeyPatch()
    capture.chdir(tmp_path_factory.mktemp("kept"))
    from mer.cli import main

    words = (f"dataset.root={prepared / 'data'}", f"store={prepared / 'store'}", f"outputs={prepared / 'outputs'}")
    assert main(["train", *SMALL, *words, "name=tiny"]) == 0
    capture.undo()
    return prepared


def checksum(tensors: Mapping[str, Tensor], place: str) -> str:
    """What :mod:`mer.store` would have written of these."""
    digest = hashlib.sha256(place.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def forge(path: Path, root: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    """Put changed tensors at ``path`` with a checksum that is right."""
    tensors = change(load_file(path))
    Store(root).write(path, tensors)
    assert checksum(tensors, path.relative_to(root).as_posix()).encode() in path.read_bytes()


def smaller(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: one[..., :-1, :-1] if one.ndim > 2 else one for name, one in tensors.items()}


def not_square(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: one[..., :-1] for name, one in tensors.items()}


def other_dtype(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: one.double() for name, one in tensors.items()}


def spoilt(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: one * torch.nan if one.is_floating_point() else one for name, one in tensors.items()}


def renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{name}x": one for name, one in tensors.items()}


def far_off(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return tensors | {"frame": torch.tensor(10**12)}


@pytest.mark.parametrize(
    ("step", "change"),
    [
        *(("key_frames", change) for change in (not_square, other_dtype, spoilt, renamed)),
        *(("flow", change) for change in (other_dtype, spoilt, renamed)),
        *(("apex", change) for change in (far_off, renamed)),
    ],
)
def test_file_of_another_form_is_made_again(
    step: str,
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]],
    kept: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = tmp_path / "store"
    shutil.copytree(kept / "store", store)
    path = sorted(store.rglob(f"{step}-*.safetensors"))[0]
    before = path.read_bytes()
    forge(path, store, change)
    result = prepare(kept, store, capsys)
    assert result.code == 0, result.err
    assert f"damaged, made again: {path}" in result.err
    assert path.read_bytes() == before


def prepare(root: Path, store: Path, capsys: pytest.CaptureFixture[str]) -> Result:
    kept = [word for word in SMALL if not word.startswith(("model.", "trainer.max", "features."))]
    return run_mer(capsys, "prepare", *kept, f"dataset.root={root / 'data'}", f"store={store}")


def test_another_clips_file_is_made_again_and_the_run_is_the_same(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    shutil.copytree(kept / "store", store)
    one, other = sorted(store.rglob("flow-*.safetensors"))[:2]
    assert load_file(one)["flow"].shape == load_file(other)["flow"].shape
    shutil.copy(other, one)
    result = train(kept, store, tmp_path / "outputs", capsys)
    assert result.code == 0, result.err
    assert result.err.count("damaged, made again") == 1
    tables = [(only_run(root / "outputs") / "predictions.csv").read_text() for root in (kept, tmp_path)]
    assert tables[0] == tables[1]


def test_key_frames_of_another_size_end_in_one_line(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    shutil.copytree(kept / "store", store)
    forge(sorted(store.rglob("key_frames-*.safetensors"))[0], store, smaller)
    for path in store.rglob("flow-*.safetensors"):
        path.unlink()
    result = train(kept, store, tmp_path / "outputs", capsys)
    assert result.code == 2
    assert "key frames of one size; got (23, 23) and (24, 24)" in result.err


def header(content: Any, length: int | None = None) -> bytes:
    text = json.dumps(content).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text


FLOW = {"flow": ("F32", (2, "h", "w"))}
HEADERS = {
    "length beyond the file": struct.pack("<Q", 2**60) + b"{}",
    "length beyond its end": header({}, 1000),
    "no JSON": struct.pack("<Q", 4) + b"nope",
    "nested": struct.pack("<Q", 2**19) + b"[" * 2**19,
    "a list": header([1]),
    "shape of letters": header({"flow": {"dtype": "F32", "shape": ["2", "3", "4"], "data_offsets": [0, 96]}}),
    "shape below 0": header({"flow": {"dtype": "F32", "shape": [2, -3, -4], "data_offsets": [0, 96]}}) + bytes(96),
    "no shape": header({"flow": {"dtype": "F32"}}),
    "no entry": header({"flow": 3}),
    "shape beyond its data": header({"flow": {"dtype": "F32", "shape": [2, 2**30, 2**30], "data_offsets": [0, 8]}}),
    "offsets beyond its data": header({"flow": {"dtype": "F32", "shape": [2, 1, 1], "data_offsets": [0, 2**60]}})
    + bytes(8),
}


@pytest.mark.parametrize("name", HEADERS)
def test_header_that_lies_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path)
    path = store.path(("casme2",), "flow", "1")
    path.parent.mkdir(parents=True)
    path.write_bytes(HEADERS[name])
    assert store.read(path, FLOW) is None
    assert capsys.readouterr().err.count("damaged, made again") == 1
    assert not path.exists()


@pytest.mark.parametrize("side", [1, 2**15])
def test_long_file_is_not_read(side: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file of 8 GB that holds nothing, whose header tells the truth or not, the header alone is read."""
    file = tmp_path / "flow.safetensors"
    shape = [2, side, side]
    file.write_bytes(header({"flow": {"dtype": "F32", "shape": shape, "data_offsets": [0, 8 * side**2]}}))
    os.truncate(file, file.stat().st_size + 8 * 2**30)
    assert read_fitting(file, FLOW) is None


def test_form_of_key_frames_is_that_of_what_is_kept(kept: Path) -> None:
    for path in (kept / "store").rglob("key_frames-*.safetensors"):
        assert read_fitting(path, KEY_FRAMES) is not None


@pytest.mark.parametrize("text", ["[" * 100_000, "{}", "null", '["x"]'])
def test_digests_of_another_form_are_made_again(
    text: str, kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    shutil.copytree(kept / "store", store)
    names = {path.relative_to(store) for path in store.rglob("*.safetensors")}
    for path in store.rglob("digests-*.json"):
        path.write_text(text)
    assert prepare(kept, store, capsys).code == 0
    assert {path.relative_to(store) for path in store.rglob("*.safetensors")} == names


@pytest.mark.parametrize(
    "body", ["[" * 100_000, "{}", "null", '{"sources": {"x": 1}}', '{"sources": {}, "clips": [[]]}']
)
def test_clip_index_of_another_form_is_read_anew(
    body: str, kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mer.datasets.cache import _read

    path = tmp_path / "index.json"
    path.write_bytes(hashlib.sha256(body.encode()).hexdigest().encode() + b"\n" + body.encode())
    assert _read(path) is None
