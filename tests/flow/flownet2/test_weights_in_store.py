"""mer prepare flow=flownet2: told of missing weights before any work; other weights are another flow in the store."""

from pathlib import Path

import pytest

from mer.flow.flownet2 import method
from tests.fakes import write_casme2
from tests.flow.flownet2.layouts import as_state_dict
from tests.flow.flownet2.tiny import Tiny, tiny_tensors
from tests.runner import run_mer


def words(root: Path, store: Path, *more: str) -> list[str]:
    sizes = ["align.size_px=64", "features.size=28"]
    return ["prepare", "flow=flownet2", f"dataset.root={root}", "align=none", *sizes, f"store={store}", *more]


def files(store: Path, step: str) -> set[Path]:
    return set(store.glob(f"casme2/**/{step}-*"))


def test_without_weights_it_is_one_line_before_any_clip_is_prepared(
    casme2_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    result = run_mer(capsys, *words(casme2_root, tmp_path / "store"))
    assert result.code == 2
    assert "expected FlowNet 2.0's weights; got flow.weights=null and no FlowNet2_checkpoint.pth.tar" in result.err
    assert len(result.err.strip().splitlines()) == 1
    assert not files(tmp_path / "store", "key_frames")


def test_stored_flow_is_that_of_the_weights_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(method, "FlowNet2Network", Tiny)
    root, store = write_casme2(tmp_path / "casme2"), tmp_path / "store"
    found = []
    for name, bias in (("a", 1.0), ("b", 2.0), ("c", 1.0)):
        (tmp_path / name).mkdir()
        file = as_state_dict(tiny_tensors(bias, 0.0), tmp_path / name)
        assert run_mer(capsys, *words(root, store, f"flow.weights={file}")).code == 0
        found.append(files(store, "flow"))
    n_clips = len(files(store, "key_frames"))
    assert [len(flows) for flows in found] == [n_clips, 2 * n_clips, 2 * n_clips]
