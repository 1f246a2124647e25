"""The store keeps tensors whole, under a key of all that they depend on."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save

import mer.store
from mer.align import Aligner, EyeCrop, GivenLandmarks, NoCrop
from mer.apex import AnnotatedApex, MiddleApex
from mer.errors import MerError
from mer.magnify import IIR, EulerianMagnifier, Magnifier, NoMagnification
from mer.preparation import Preparation
from mer.store import WRITING, Store
from tests.conftest import MakeClip
from tests.fakes import face_points, write_landmarks

TENSORS = {
    "flow": torch.linspace(-1, 1, 24).view(2, 3, 4),
    "crop": torch.arange(12, dtype=torch.uint8).view(3, 4),
    "none": torch.zeros(0, 2),
}
FORM = {"flow": ("F32", (2, "h", 4)), "crop": ("U8", ("h", 4)), "none": ("F32", ((0, 68), 2))}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_tensors_come_back_as_they_were_written(store: Store) -> None:
    path = store.path(("casme2",), "flow", "0123")
    store.write(path, TENSORS)
    read = store.read(path, FORM)
    assert read is not None
    assert read.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


def test_tensor_that_is_a_view_is_written_in_its_own_order(store: Store) -> None:
    path = store.path(("casme2",), "flow", "0123")
    store.write(path, {"crop": TENSORS["crop"].T})
    assert torch.equal((store.read(path, {"crop": ("U8", (4, 3))}) or {})["crop"], TENSORS["crop"].T)


def test_path_holds_names_step_and_key(store: Store) -> None:
    assert store.path(("casme2",), "flow", "0123") == store.root / "casme2" / "flow-0123.safetensors"
    clip = store.path(("casme2", "sub01", "EP01_01f"), "landmarks", "45")
    assert clip == store.root / "casme2" / "sub01" / "EP01_01f" / "landmarks-45.safetensors"


def test_name_that_is_no_folder_stays_inside_the_store(store: Store) -> None:
    path = store.path(("mine", "..", "a/b"), "flow", "0")
    assert path.parent.parent.parent == store.root / "mine"


def test_root_may_be_written_from_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Store("~/store").root == tmp_path / "store"


def test_missing_file_is_none(store: Store) -> None:
    assert store.read(store.path(("casme2",), "flow", "0123"), FORM) is None


def cut(data: bytes) -> bytes:
    return data[:-1]


def alter(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def retype(data: bytes) -> bytes:
    return data.replace(b'"F32"', b'"I32"')


def rename(data: bytes) -> bytes:
    return data.replace(b'"flow"', b'"wolf"')


def forge(data: bytes) -> bytes:
    return save(TENSORS)  # whole, but not ours: no checksum


@pytest.mark.parametrize(
    "damage", [cut, alter, retype, rename, forge, lambda data: b"", lambda data: data[:5], lambda data: data[:60]]
)
def test_damaged_file_is_named_and_can_be_made_again(
    store: Store, damage: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    path = store.path(("casme2",), "flow", "0123")
    store.write(path, TENSORS)
    path.write_bytes(damage(path.read_bytes()))
    assert store.read(path, FORM) is None
    assert "".join(capsys.readouterr().err.split()) == f"damaged,madeagain:{path}"
    assert not path.exists()
    store.write(path, TENSORS)
    assert store.read(path, FORM) is not None


def test_equal_tensors_make_equal_bytes(store: Store) -> None:
    path = store.path(("casme2",), "flow", "1")
    store.write(path, TENSORS)
    first = path.read_bytes()
    store.write(path, dict(reversed(TENSORS.items())))
    assert path.read_bytes() == first


def test_store_that_was_moved_is_the_same(store: Store, tmp_path: Path) -> None:
    path = store.path(("casme2", "sub01", "a"), "flow", "1")
    store.write(path, TENSORS)
    store.root.rename(tmp_path / "elsewhere")
    moved = Store(tmp_path / "elsewhere")
    assert moved.read(moved.path(("casme2", "sub01", "a"), "flow", "1"), FORM) is not None


def test_nothing_else_is_left_in_the_store(store: Store) -> None:
    path = store.path(("casme2",), "flow", "0123")
    store.write(path, TENSORS)
    assert [file for file in store.root.rglob("*") if file.is_file()] == [path]


def test_file_that_a_killed_process_left_is_cleared_by_the_next(store: Store) -> None:
    abandoned, held = store.root / WRITING / "abandoned", store.root / WRITING / "held"
    abandoned.parent.mkdir(parents=True)
    abandoned.write_bytes(b"ha")
    with held.open("wb") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        store.write(store.path(("casme2",), "flow", "0123"), TENSORS)
        assert [path.name for path in abandoned.parent.iterdir()] == ["held"]


def test_file_taken_for_abandoned_is_written_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, taken = fcntl.flock, []

    def take_the_first(opened: IO[bytes], operation: int) -> None:
        if not taken:
            taken.append(opened.name)
            Path(opened.name).unlink()
        lock(opened, operation)

    monkeypatch.setattr(fcntl, "flock", take_the_first)
    path = store.path(("casme2",), "flow", "0123")
    store.write(path, TENSORS)
    assert taken
    assert store.read(path, FORM) is not None


def test_usage_is_told_by_dataset_and_step(store: Store) -> None:
    store.write(store.path(("casme2",), "flow", "1"), TENSORS)
    for clip in ("a", "b"):
        store.write(store.path(("casme2", "sub01", clip), "key_frames", "1"), TENSORS)
    sizes = {(use.dataset, use.step): (use.files, use.size_bytes) for use in store.usage()}
    one = store.path(("casme2",), "flow", "1").stat().st_size
    assert sizes == {("casme2", "flow"): (1, one), ("casme2", "key_frames"): (2, 2 * one)}


def test_prune_removes_what_was_not_used_for_so_long(store: Store) -> None:
    old, used, new = (store.path(("casme2", "sub01", clip), "key_frames", "1") for clip in ("a", "b", "c"))
    long_ago = time.time() - 40 * 86_400
    for path in (old, used, new):
        store.write(path, TENSORS)
    for path in (old, used):
        os.utime(path, (long_ago, long_ago))
    store.read(used, FORM)
    size = old.stat().st_size
    assert store.prune(30) == (1, size)
    assert [path.exists() for path in (old, used, new)] == [False, True, True]
    assert not old.parent.exists()
    assert store.prune(0)[0] == 2


def test_failing_writer_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> bytes:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(mer.store, "save", fail)
    path = store.path(("casme2",), "flow", "0123")
    with pytest.raises(RuntimeError, match="out of memory"):
        store.write(path, TENSORS)
    assert [file for file in store.root.rglob("*") if file.is_file()] == []


def test_store_in_place_of_a_file_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    store = Store(tmp_path / "store")
    with pytest.raises(MerError, match="free disk space or choose another folder"):
        store.write(store.path(("casme2",), "flow", "0123"), TENSORS)


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


def swap_bytes(file: str) -> None:
    """Other bytes of the same size and time."""
    status = Path(file).stat()
    data = Path(file).read_bytes()
    Path(file).write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [grow, swap_bytes])
@pytest.mark.parametrize("frame", [0, 2, 3])
def test_key_changes_with_the_bytes_of_each_frame_to_the_apex(
    clip: pd.Series, preparation: Preparation, frame: int, change: Callable[[str], None]
) -> None:
    before = preparation.path(clip)
    change(clip["files"][frame])
    assert preparation.path(clip) != before


def test_key_does_not_depend_on_when_and_where_a_frame_was_copied(
    clip: pd.Series, preparation: Preparation, tmp_path: Path
) -> None:
    before = preparation.path(clip)
    touch(clip["files"][0])
    assert preparation.path(clip) == before
    moved = shutil.copytree(Path(clip["files"][0]).parent, tmp_path / "elsewhere")
    there = tuple(str(moved / Path(file).name) for file in clip["files"])
    assert preparation.path(pd.Series(clip.to_dict() | {"files": there})) == before


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
