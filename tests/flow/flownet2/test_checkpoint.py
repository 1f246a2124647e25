"""Weights: every layout is read, nothing is run, and each fault has its line."""

import argparse
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mer.errors import MerError
from mer.flow.flownet2 import FlowNet2Network
from mer.flow.flownet2.checkpoint import PUBLISHED_NAMES, file_digest, find_weights, load_weights
from tests.flow.flownet2.layouts import LAYOUTS, Write, as_nvidia, as_ptlflow, as_safetensors, as_state_dict


class Small(nn.Module):
    """Three tensors, one of them with the name that every whole checkpoint has."""

    def __init__(self) -> None:
        super().__init__()
        self.flownetc = nn.Module()
        self.flownetc.conv1 = nn.Sequential(nn.Conv2d(3, 2, 3))
        self.flownets_1 = nn.Module()
        self.flownets_1.upsampled_flow6_to_5 = nn.ConvTranspose2d(2, 2, 4, bias=False)


def tensors(seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return Small().state_dict()


def on_meta() -> Small:
    with torch.device("meta"):
        return Small()


def line_of(file: Path) -> str:
    with pytest.raises(MerError) as caught:
        load_weights(on_meta(), file)
    line = str(caught.value)
    assert "\n" not in line
    assert str(file) in line
    return line


@pytest.mark.parametrize("write", LAYOUTS)
def test_every_layout_gives_the_tensors(tmp_path: Path, write: Write) -> None:
    loaded = load_weights(on_meta(), write(tensors(), tmp_path))
    for name, tensor in tensors().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_nvidias_layout_has_python_2s_strings(tmp_path: Path) -> None:
    data = as_nvidia(tensors(), tmp_path).read_bytes()
    assert pickle.SHORT_BINSTRING + b"\x17flownetc.conv1.0.weight" in data
    assert b"_rebuild_tensor\n" in data


def test_names_and_shapes_of_a_whole_checkpoint_are_accepted(tmp_path: Path) -> None:
    with torch.device("meta"):
        stack = FlowNet2Network()
    tables = {name: torch.full((1,), 0.5).expand_as(one) for name, one in stack.state_dict().items()}
    file = as_ptlflow(tables, tmp_path)
    assert file.stat().st_size < 1e6  # one number a tensor
    assert load_weights(stack, file).get_parameter("flownetfusion.predict_flow0.bias").tolist() == [0.5, 0.5]


@pytest.mark.parametrize("write", LAYOUTS)
def test_absent_tensor_is_named(tmp_path: Path, write: Write) -> None:
    table = tensors()
    del table["flownets_1.upsampled_flow6_to_5.weight"]
    line = line_of(write(table, tmp_path))
    assert "without 1 of 3 tensors, the first flownets_1.upsampled_flow6_to_5.weight" in line


@pytest.mark.parametrize("write", LAYOUTS)
def test_foreign_tensor_is_named(tmp_path: Path, write: Write) -> None:
    table = tensors() | {"flownets_1.upsampled_flow6_to_5.bias": torch.zeros(2)}
    assert "with 1 tensors besides, the first flownets_1.upsampled_flow6_to_5.bias" in line_of(write(table, tmp_path))


@pytest.mark.parametrize("write", LAYOUTS)
def test_tensor_of_another_shape_is_named(tmp_path: Path, write: Write) -> None:
    table = tensors() | {"flownetc.conv1.0.weight": torch.zeros(2, 6, 3, 3)}
    line = line_of(write(table, tmp_path))
    assert "with flownetc.conv1.0.weight of torch.float32 (2, 6, 3, 3) instead of torch.float32 (2, 3, 3, 3)" in line


def test_whole_numbers_are_refused(tmp_path: Path) -> None:
    table = tensors() | {"flownetc.conv1.0.bias": torch.zeros(2, dtype=torch.int64)}
    assert "with flownetc.conv1.0.bias of torch.int64 (2,) instead of torch.float32 (2,)" in line_of(
        as_state_dict(table, tmp_path)
    )


def test_one_network_alone_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    table = {name.removeprefix("flownetc."): tensor for name, tensor in tensors().items() if "flownetc" in name}
    assert "without 3 of 3 tensors, the first flownetc.conv1.0.bias" in line_of(as_state_dict(table, tmp_path))


class Trap:
    """Unpickled, it would run code."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return print, ("unpickled",)


@pytest.mark.parametrize("zipped", [True, False])
def test_file_that_runs_code_is_refused_and_runs_nothing(
    tmp_path: Path, zipped: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.pth"
    torch.save({"state_dict": tensors() | {"x": Trap()}}, file, _use_new_zipfile_serialization=zipped)
    line = line_of(file)
    assert "nothing that runs code" in line
    assert "print" in line
    assert "unpickled" not in capsys.readouterr().out


def test_bare_pickle_is_refused_and_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.pth"
    file.write_bytes(pickle.dumps({"state_dict": Trap()}))
    assert "no file of tensors" in line_of(file)
    assert "unpickled" not in capsys.readouterr().out


def test_settings_beside_the_tensors_are_named_and_the_advice_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "trained.pth"
    torch.save({"state_dict": tensors(), "args": argparse.Namespace(rgb_max=255)}, file)
    line = line_of(file)
    assert "which asks for argparse.Namespace" in line
    advice = re.search(r"by (torch\.save\(.*\))$", line)
    assert advice
    monkeypatch.chdir(tmp_path)
    exec(advice[1], {"torch": torch, "FILE": str(file)})
    assert load_weights(on_meta(), tmp_path / "flownet2.pth")


def cut_off(write: Write) -> Callable[[Path], Path]:
    def cut(folder: Path) -> Path:
        file = write(tensors(), folder)
        file.write_bytes(file.read_bytes()[:-120])
        return file

    return cut


def web_page(folder: Path) -> Path:
    (folder / "FlowNet2_checkpoint.pth.tar").write_text("<!DOCTYPE html><html>Virus scan warning</html>")
    return folder / "FlowNet2_checkpoint.pth.tar"


def saved_page(folder: Path) -> Path:
    return web_page(folder).rename(folder / "flownet2.safetensors")


def nothing(folder: Path) -> Path:
    (folder / "a.pth").touch()
    return folder / "a.pth"


@pytest.mark.parametrize("make", [web_page, nothing, *(cut_off(write) for write in (as_nvidia, as_ptlflow))])
def test_file_of_another_kind_or_cut_off_is_refused(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    assert "which is cut off or no file of tensors" in line_of(make(tmp_path))


@pytest.mark.parametrize("make", [cut_off(as_safetensors), saved_page])
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    assert "which is no safetensors file" in line_of(make(tmp_path))


@pytest.mark.parametrize(
    "content", [[1, 2], torch.zeros(3), {"state_dict": {"a": 1}}, {"a": 1}, {"state_dict": 3}, {1: torch.zeros(3)}]
)
def test_file_without_a_table_of_tensors_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.pth")
    assert "which holds no table of tensors by name" in line_of(tmp_path / "a.pth")


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of torch's checkpoints."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_published_file_is_found_in_torchs_folder_nvidias_first(checkpoints: Path) -> None:
    for name in reversed(PUBLISHED_NAMES):
        (checkpoints / name).touch()
        assert find_weights(None) == checkpoints / name


def test_without_weights_the_line_says_where_they_are_and_under_what_licence(checkpoints: Path) -> None:
    with pytest.raises(MerError) as caught:
        find_weights(None)
    line = str(caught.value)
    for part in (
        f"flow.weights=null and no FlowNet2_checkpoint.pth.tar or flownet2-things-d63b53a7.ckpt in {checkpoints}",
        "https://github.com/NVIDIA/flownet2-pytorch",
        "set flow.weights=FILE",
        "research alone, without redistribution",
        "Ilg et al. 2017",
    ):
        assert part in line
    assert "\n" not in line


@pytest.mark.parametrize("path", ["absent.pth", "."])
def test_path_that_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(MerError, match=rf"FlowNet 2.0's weights; got no file {re.escape(str(Path(path)))}"):
        find_weights(path)


def test_digest_is_of_the_content_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first, second = as_state_dict(tensors(1), tmp_path), as_state_dict(tensors(2), tmp_path / "a")
    copy = tmp_path / "copy.pth"
    copy.write_bytes(first.read_bytes())
    assert file_digest(first) == file_digest(copy)
    assert file_digest(first) != file_digest(second)
