"""A dataset's maps in parts are those of all clips together, and parts are not kept."""

import gc
import weakref
from pathlib import Path

import pytest
import torch
from torch import Tensor

import mer.dataset_maps
from mer.align import NoCrop
from mer.apex import AnnotatedApex
from mer.dataset_maps import DatasetMaps
from mer.datasets import Casme2
from mer.flow import FlowMaps
from mer.magnify import IIR, NoMagnification
from mer.needs import Needs
from mer.preparation import OnClip, Preparation
from mer.store import Store
from tests.runner import run_mer

Told = list[tuple[str, int, int]]


def red_and_green(first: Tensor, second: Tensor) -> Tensor:
    return (second - first)[:, :2]


def dataset_maps(root: Path, store: Path, told: Told, bars: list[str]) -> DatasetMaps:
    def progress(step: str) -> OnClip:
        bars.append(step)
        return lambda done, total: told.append((step, done, total))

    preparation = Preparation(Store(store), NoCrop(16), AnnotatedApex(), IIR())
    index, paths = preparation.run(Casme2(root).load(), lambda done, total: None)
    needs, settings = Needs(frozenset({"apex"})), {"magnify": "none", "flow": "red"}
    return DatasetMaps(
        index.clips, paths, preparation, NoMagnification(IIR()), red_and_green, settings, torch.device("cpu"), 8, needs,
        progress,
    )  # fmt: skip


def test_parts_put_together_are_the_maps_of_all_clips(
    casme2_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mer.dataset_maps, "CLIPS_A_PART", 3)
    parts = list(dataset_maps(casme2_root, tmp_path / "parts", [], []).in_parts())
    whole = dataset_maps(casme2_root, tmp_path / "whole", [], []).together()
    assert [len(part) for part in parts] == [3, 1]
    for name, expected in whole.tensors().items():
        assert torch.equal(torch.cat([part.need(name) for part in parts]), expected)
    assert whole.flow.abs().max() > 0


def test_progress_of_parts_is_that_of_all_clips_on_one_bar_a_step(
    casme2_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mer.dataset_maps, "CLIPS_A_PART", 3)
    told: Told = []
    bars: list[str] = []
    list(dataset_maps(casme2_root, tmp_path, told, bars).in_parts())
    assert bars == ["flow", "apex frames"]
    assert told == [("flow", 3, 4), ("apex frames", 3, 4), ("flow", 4, 4), ("apex frames", 4, 4)]


def test_prepare_keeps_no_part_but_the_last(
    casme2_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mer.dataset_maps, "CLIPS_A_PART", 1)
    made: list[weakref.ref[Tensor]] = []
    alive: list[int] = []
    make = DatasetMaps._maps

    def watched(self: DatasetMaps, rows: slice, progress: object) -> FlowMaps:
        maps: FlowMaps = make(self, rows, progress)  # type: ignore[arg-type]
        gc.collect()
        alive.append(sum(one() is not None for one in made))
        made.append(weakref.ref(maps.flow))
        return maps

    monkeypatch.setattr(DatasetMaps, "_maps", watched)
    words = ("dataset=casme2", f"dataset.root={casme2_root}", "align=none", "align.size_px=32", "features.size=8")
    result = run_mer(capsys, "prepare", *words, "flow=farneback", f"store={tmp_path}")
    assert result.out.startswith("4 clips prepared, flow (2, 8, 8)")
    assert alive == [0, 1, 1, 1]
