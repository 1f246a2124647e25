"""A model's file: what was written is read back bit for bit, and a file that is anything else ends in one line."""

import json
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from mer.errors import MerError
from mer.export import ReleasedModel, load_model, write_model
from mer.trained import load_run
from tests.fakes.trained import random_maps, write_trained_run

Content = dict[str, Any]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ReleasedModel:
    return ReleasedModel.from_run(load_run(write_trained_run(tmp_path_factory.mktemp("run") / "run")))


@pytest.fixture
def file(model: ReleasedModel, tmp_path: Path) -> Path:
    write_model(model, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def metadata(file: Path) -> dict[str, str]:
    with safe_open(file, "pt") as opened:
        return dict(opened.metadata())


def rewrite(file: Path, change: Callable[[Content], object], tensors: Mapping[str, Tensor] | None = None) -> None:
    """Write the file again with its JSON, and perhaps its tensors, changed."""
    told = metadata(file)
    content = json.loads(told["mer_model"])
    change(content)
    save_file(dict(tensors or load_file(file)), file, told | {"mer_model": json.dumps(content)})


def test_logits_of_the_file_are_the_models_bit_for_bit(model: ReleasedModel, file: Path) -> None:
    loaded, maps = load_model(file), random_maps()
    assert torch.equal(loaded.logits(maps), model.logits(maps))
    assert torch.equal(loaded.probabilities(maps), model.probabilities(maps))
    same = ("classes", "settings", "network", "temperature", "card", "n_folds")
    assert [getattr(loaded, name) for name in same] == [getattr(model, name) for name in same]


def test_equal_models_are_equal_files_whose_card_can_be_read(model: ReleasedModel, file: Path, tmp_path: Path) -> None:
    write_model(load_model(file), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()
    card = json.loads(metadata(file)["mer_model"])["model_card"]
    assert card[0] == "# Micro-expression model: negative, positive, surprise"


def test_loading_leaves_the_random_numbers_as_they_were(file: Path) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    load_model(file)
    assert torch.equal(torch.rand(3), expected)


def test_loaded_networks_are_frozen_and_in_eval_mode(file: Path) -> None:
    loaded = load_model(file)
    assert not any(net.training for net in loaded.nets)
    assert not any(parameter.requires_grad for net in loaded.nets for parameter in net.parameters())


def _set(*keys: str, value: Any) -> Callable[[Content], object]:
    def change(content: Content) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_set("schema", value=1), "schema 2"),
        (_set("schema", value=True), "schema"),
        (_set("more", value=1), "'more'"),
        (lambda content: content.pop("card"), "card"),
        (_set("classes", value=["one"]), "classes"),
        (_set("classes", value=["a", "a", "b"]), "distinct"),
        (_set("classes", value=["a", "b", "\x1b[2J"]), "printed"),
        (_set("classes", value=["a", "b"]), "head"),
        (_set("classes", value=[str(number) for number in range(1001)]), "too many"),
        (_set("folds", value=0), "folds 0"),
        (_set("folds", value=2), "not torch"),
        (_set("folds", value=2.0), "type int"),
        (_set("temperature", value=0.0), "temperature 0"),
        (_set("temperature", value="hot"), "a number"),
        (_set("temperature", value=10**400), "a number"),
        (_set("card", "scores", "uf1", "value", value=None), "card.scores.uf1.value"),
        (_set("card", "seed", value=[]), "card.seed"),
        (_set("settings", "model", "_target_", value="os.system"), "os.system"),
        (_set("settings", "model", "_target_", value="mer.files.shutil.rmtree"), "rmtree"),
        (_set("settings", "model", "_target_", value="mer.flow.DISFlow"), "model in"),
        (_set("settings", "model", "widths", value=[{"_target_": "builtins.exec", "_args_": ["x"]}]), "exec"),
        (_set("settings", "features", "_target_", value="mer.models.DualBranchNet"), "features"),
        (_set("settings", "features", "size", value="${oc.env:HOME}"), "resolved"),
        (_set("settings", "features", "size", value=-5), "features.size"),
        (_set("settings", "flow", "weights", value="/etc/passwd"), "a path"),
        (_set("settings", "flow", "weights", value="~/secret"), "a path"),
        (_set("settings", "model", "depth", value=10**9), "model.depth"),
        (_set("settings", "model", "widths", value=[10**6]), "not torch.float32"),
        (_set("settings", "model", "widths", value=[10**15]), "model in"),
        (_set("settings", "model", "nosuch", value=1), "nosuch"),
        (_set("settings", "more", value={}), "'more'"),
    ],
)
def test_changed_content_ends_in_one_line(file: Path, change: Callable[[Content], object], says: str) -> None:
    rewrite(file, change)
    with pytest.raises(MerError) as refused:
        load_model(file)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "as JSON"),
        ("[]", "type dict"),
        ('{"schema": 1, "schema": 1}', "twice"),
        ('{"schema": NaN}', "NaN"),
        ("[" * 100_000, "nested too deep"),
        ('{"schema": ' + "[" * 900 + "]" * 900 + "}", "nested too deep"),
        (" " * 2_000_000, "characters or fewer"),
    ],
)
def test_metadata_that_are_no_small_json_end_in_one_line(file: Path, text: str, says: str) -> None:
    save_file(load_file(file), file, metadata(file) | {"mer_model": text})
    with pytest.raises(MerError, match=says):
        load_model(file)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda one: one.pop("head.bias"), "head.bias"),
        (lambda one: one.update(more=torch.zeros(3)), "more"),
        (lambda one: one.update({"head.bias": torch.zeros(3, 4)}), "head.bias is F32"),
        (lambda one: one.update({"head.bias": one["head.bias"].double()}), "head.bias is F64"),
        (lambda one: one["head.bias"].fill_(torch.nan), "head.bias holds"),
        (lambda one: one["head.weight"].fill_(torch.inf), "head.weight holds"),
    ],
)
def test_tensors_of_another_network_end_in_one_line(
    file: Path, change: Callable[[dict[str, Tensor]], object], says: str
) -> None:
    tensors = load_file(file)
    change(tensors)
    rewrite(file, lambda content: None, tensors)
    with pytest.raises(MerError, match=says):
        load_model(file)


class Exploit:
    """Unpickling it runs a command."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


def test_pickle_of_that_name_is_not_unpickled(tmp_path: Path) -> None:
    file, mark = tmp_path / "model.safetensors", tmp_path / "ran"
    file.write_bytes(pickle.dumps(Exploit(mark)))
    with pytest.raises(MerError, match="a model that"):
        load_model(file)
    torch.save(Exploit(mark), file)
    with pytest.raises(MerError, match="a model that"):
        load_model(file)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Exploit(mark)))  # which would have run it
    assert mark.exists()


def test_other_files_end_in_one_line(file: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.safetensors"
    save_file({"a": torch.zeros(2)}, plain)
    empty = tmp_path / "empty.safetensors"
    empty.write_bytes(b"")
    huge = tmp_path / "huge.safetensors"
    huge.write_bytes((2**62).to_bytes(8, "little") + b"{}")
    long = tmp_path / "long.safetensors"  # a header that safetensors would read
    long.write_bytes((17 * 1024**2).to_bytes(8, "little") + b"{}".ljust(17 * 1024**2))
    refusals = {plain: "no metadata", empty: "empty", huge: "header", long: "tell of no safetensors header"}
    for path, says in {**refusals, tmp_path / "none": "no file"}.items():
        with pytest.raises(MerError, match=says):
            load_model(path)
    with pytest.raises(MerError, match="no file"):
        load_model(tmp_path)


@pytest.mark.parametrize("kept", [3, 8, 100, 0.5, 0.999])
def test_file_that_broke_off_ends_in_one_line(file: Path, kept: float) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: kept if isinstance(kept, int) else int(kept * len(data))])
    with pytest.raises(MerError, match="a model that"):
        load_model(file)
