"""The store keeps tensors whole, under a key of all that they depend on."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import mer.store
from mer.align import Aligner, EyeCrop, GivenLandmarks, NoCrop
from mer.apex import AnnotatedApex, MiddleApex
from mer.errors import MerError
from mer.magnify import IIR, EulerianMagnifier, NoMagnification
from mer.preparation import Magnifier, Preparation
from mer.store import Store
from tests.conftest import MakeClip
from tests.fakes import face_points, write_landmarks

TENSORS = {
    "flow": torch.linspace(-1, 1, 24).view(2, 3, 4),
    "crop": torch.arange(12, dtype=torch.uint8).view(3, 4),
    "none": torch.zeros(0, 2),
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_tensors_come_back_as_they_were_written(store: Store) -> None:
    path = store.path("casme2", "flow", "0123")
    store.write(path, TENSORS)
    read = store.read(path)
    assert read is not None
    assert read.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


def test_tensor_that_is_a_view_is_written_in_its_own_order(store: Store) -> None:
    path = store.path("casme2", "flow", "0123")
    store.write(path, {"crop": TENSORS["crop"].T})
    assert torch.equal((store.read(path) or {})["crop"], TENSORS["crop"].T)


def test_path_holds_dataset_step_and_key(store: Store) -> None:
    assert store.path("casme2", "flow", "0123") == store.root / "casme2" / "flow" / "0123.safetensors"


def test_root_may_be_written_from_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Store("~/store").root == tmp_path / "store"


def test_missing_file_is_none(store: Store) -> None:
    assert store.read(store.path("casme2", "flow", "0123")) is None


@pytest.mark.parametrize("kept_bytes", [0, 5, 60, -1])
def test_truncated_file_counts_as_missing_and_can_be_made_again(store: Store, kept_bytes: int) -> None:
    path = store.path("casme2", "flow", "0123")
    store.write(path, TENSORS)
    path.write_bytes(path.read_bytes()[:kept_bytes])
    assert store.read(path) is None
    assert not path.exists()
    store.write(path, TENSORS)
    assert store.read(path) is not None


def test_failing_writer_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(tensors: object) -> bytes:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(mer.store, "save", fail)
    path = store.path("casme2", "flow", "0123")
    with pytest.raises(RuntimeError, match="out of memory"):
        store.write(path, TENSORS)
    assert [file for file in store.root.rglob("*") if file.is_file()] == []


def test_store_in_place_of_a_file_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    store = Store(tmp_path / "store")
    with pytest.raises(MerError, match="free disk space or choose another folder"):
        store.write(store.path("casme2", "flow", "0123"), TENSORS)


@pytest.fixture
def clip(make_clip: MakeClip) -> pd.Series:
    return make_clip(list(np.random.default_rng(0).integers(0, 256, (5, 48, 64, 3), np.uint8)), onset=4, apex=7)


@pytest.fixture
def preparation(store: Store) -> Preparation:
    return Preparation(store, NoCrop(16), AnnotatedApex(), IIR(0.4, 0.05))


def eye_crop(csv: Path, *rows: tuple[str, int], eye_height: float = 0.35) -> EyeCrop:
    """Crop by landmarks of clips EP01_01f.. at frame 4, each of these (clip, seed)."""
    write_landmarks(csv, [("sub01", clip, 4, face_points(seed)) for clip, seed in rows])
    return EyeCrop(GivenLandmarks(csv), size_px=16, eye_height=eye_height)


def grow(file: str) -> None:
    """Another size at the same time."""
    status = Path(file).stat()
    Path(file).write_bytes(Path(file).read_bytes() + b" ")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def touch(file: str) -> None:
    """The same size at another time."""
    status = Path(file).stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


@pytest.mark.parametrize("change", [grow, touch])
@pytest.mark.parametrize("frame", [0, 2, 3])
def test_key_changes_with_each_frame_to_the_apex(
    clip: pd.Series, preparation: Preparation, frame: int, change: Callable[[str], None]
) -> None:
    before = preparation.path(clip)
    change(clip["files"][frame])
    assert preparation.path(clip) != before


def test_key_does_not_depend_on_frames_after_the_apex(clip: pd.Series, preparation: Preparation) -> None:
    before = preparation.path(clip)
    grow(clip["files"][4])
    assert preparation.path(clip) == before


def test_key_changes_with_the_apex(clip: pd.Series, preparation: Preparation) -> None:
    assert replace(preparation, apex=MiddleApex()).path(clip) != preparation.path(clip)


def test_key_changes_with_the_name_of_the_clip(clip: pd.Series, preparation: Preparation) -> None:
    other = pd.Series(clip.to_dict() | {"clip": "EP01_02f"})
    assert preparation.path(other) != preparation.path(clip)


def test_key_changes_with_each_setting_of_the_alignment(
    clip: pd.Series, preparation: Preparation, tmp_path: Path
) -> None:
    csv = tmp_path / "landmarks.csv"
    aligners: list[Callable[[], Aligner]] = [
        lambda: NoCrop(16),
        lambda: NoCrop(32),
        lambda: eye_crop(csv, ("EP01_01f", 1)),
        lambda: eye_crop(csv, ("EP01_01f", 2)),
        lambda: eye_crop(csv, ("EP01_01f", 1), eye_height=0.4),
    ]
    paths = [replace(preparation, aligner=build()).path(clip) for build in aligners]
    assert len(set(paths)) == len(aligners)


def test_key_does_not_depend_on_landmarks_of_other_clips(
    clip: pd.Series, preparation: Preparation, tmp_path: Path
) -> None:
    csv = tmp_path / "landmarks.csv"
    alone = replace(preparation, aligner=eye_crop(csv, ("EP01_01f", 1))).path(clip)
    assert replace(preparation, aligner=eye_crop(csv, ("EP09_01f", 2), ("EP01_01f", 1))).path(clip) == alone


@pytest.mark.parametrize("temporal", [IIR(0.5, 0.05), IIR(0.4, 0.06)])
def test_key_changes_with_the_temporal_filter(clip: pd.Series, preparation: Preparation, temporal: IIR) -> None:
    assert replace(preparation, temporal=temporal).path(clip) != preparation.path(clip)


def test_key_does_not_depend_on_alpha_or_lambda_c_or_whether_it_is_magnified(
    clip: pd.Series, preparation: Preparation
) -> None:
    magnifiers: list[Magnifier] = [
        EulerianMagnifier(alpha=20, lambda_c=16, temporal=IIR(0.4, 0.05)),
        EulerianMagnifier(alpha=5, lambda_c=80, chroma_attenuation=1, temporal=IIR(0.4, 0.05)),
        NoMagnification(IIR(0.4, 0.05)),
    ]
    paths = {replace(preparation, temporal=magnifier.temporal).path(clip) for magnifier in magnifiers}
    assert paths == {preparation.path(clip)}
