"""Settings are of the types that the parts they name take, or are refused by name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from omegaconf import OmegaConf

from mer.errors import MerError
from mer.settings import fits, require_fitting
from tests.runner import run_mer
from tests.test_conf import composed


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        *((value, int, fit) for value, fit in ((3, True), (3.0, True), (3.5, False), (True, False), ("3", False))),
        *((value, int, fit) for value, fit in ((float("nan"), False), (float("inf"), False), (None, False))),
        *((value, float, fit) for value, fit in ((3, True), (float("nan"), True), (True, False), ("inf", False))),
        *((value, bool, fit) for value, fit in ((True, True), (1, False), (None, False))),
        *((value, str, fit) for value, fit in (("a", True), (1, False), ([], False))),
        *((value, str | None, fit) for value, fit in (("a", True), (None, True), (1, False))),
        *((value, int | str, fit) for value, fit in (("auto", True), (2, True), (2.5, False), ([2], False))),
        *((value, Literal["a", "b"], fit) for value, fit in (("a", True), ("c", False))),
        *((value, Path, fit) for value, fit in (("a", True), (1, False))),
        *((value, Sequence[int], fit) for value, fit in (([1], True), ([], True), ([1.5], False), (1, False))),
        *((value, tuple[float, ...], fit) for value, fit in (([1, 2, 3], True), (["a"], False), ({}, False))),
        *((value, tuple[int, int], fit) for value, fit in (([1, 2], True), ([1], False), (None, False))),
        *((value, Mapping[str, float], fit) for value, fit in (({"a": 1}, True), ({"a": "b"}, False), ([], False))),
        *((value, Any, True) for value in (1, "a", None, [])),
        *((value, MerError, True) for value in (1, "a")),  # not for this check to judge
    ],
)
def test_value_fits_annotation(value: object, hint: Any, expected: bool) -> None:
    assert fits(value, hint) is expected


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("batch_size=a", "batch_size to be int; got 'a'"),
        (f"recognition.optimizer.lr={'9' * 400}", r"recognition\.optimizer\.lr of 64 bits; got a larger whole number"),
        (f"recognition.optimizer.betas=[0.9,-{10**30}]", r"recognition\.optimizer\.betas\.1 of 64 bits"),
        ("batch_size=[]", r"batch_size to be int; got \[\]"),
        ("seed=nan", "seed to be int; got nan"),
        ("++name=-1", "name to be str; got -1"),
        ("dataset.objective_sheet=[nan]", r"dataset\.objective_sheet to be str; got \[nan\]"),
        ("model.widths=[4,a,b,c]", r"model\.widths to be .*int.*; got \[4, 'a', 'b', 'c'\]"),
        ("model.depth=0.5", r"model\.depth to be int; got 0\.5"),
        ("align.landmarks.device=[cpu]", r"align\.landmarks\.device"),
        ("recognition.optimizer._partial_=/dev/null", r"recognition\.optimizer\._partial_ to be bool"),
        ("~protocol._target_", r"protocol\._target_; got none"),
        ("~recognition.optimizer._target_", r"recognition\.optimizer\._target_; got none"),
    ],
)
def test_setting_of_another_type_is_named(setting: str, says: str) -> None:
    with pytest.raises(MerError, match=says):
        require_fitting(composed("train", "name=x", setting))


def test_long_value_is_shown_in_short() -> None:
    with pytest.raises(MerError) as error:
        require_fitting(OmegaConf.create({"seed": "9" * 5000}))
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    "word", ["flow=100000", "engine=inf", "features=[100000]", "trainer=[1,2]", "model={a:1}", "apex=null.5"]
)
def test_group_that_is_no_name_ends_in_one_line(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "train", "name=x", word)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("recognition.optimizer.lr=-1",), "recognition.optimizer that it takes; got Invalid learning rate: -1"),
        (("recognition.optimizer.lr=-1", "engine=stacked"), "Invalid learning rate: -1"),
        (("trainer.max_epochs=-1",), "trainer.max_epochs to be a number in"),
        (("batch_size=0",), "batch_size to be a number in"),
        (("seed=-1",), "seed to be a number in"),
        (("trainer.enable_checkpointing=true",), "trainer.enable_checkpointing=false; got true"),
        (("model.head_size=-1",), "model.head_size to be a number in"),
    ],
)
def test_number_that_means_nothing_is_named(
    words: Sequence[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.fakes import write_flow_images
    from tests.runner import train_words

    write_flow_images(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    result = run_mer(capsys, *train_words(tmp_path / "data", tmp_path / "outputs", *words))
    assert result.code == 2
    assert says in result.err.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "outputs"]
