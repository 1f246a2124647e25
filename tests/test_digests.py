"""A frame's digest is of its bytes, and is computed once a file."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mer.digests
from mer.digests import frame_digests
from mer.errors import MerError
from mer.store import Store
from tests.conftest import MakeClip


@pytest.fixture
def clip(make_clip: MakeClip) -> pd.Series:
    return make_clip(list(np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_equal_bytes_have_equal_digests(clip: pd.Series, store: Store) -> None:
    first, second, third = (Path(file) for file in clip["files"])
    third.write_bytes(first.read_bytes())
    digests = frame_digests(clip, clip["files"], store)
    assert digests[0] == digests[2] != digests[1]
    assert second.is_file()


def test_digests_are_read_from_the_store_as_long_as_the_files_stay(
    clip: pd.Series, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = frame_digests(clip, clip["files"], store)

    def fail(names: object) -> None:
        raise AssertionError("files were read again")

    monkeypatch.setattr(mer.digests, "_compute", fail)
    assert frame_digests(clip, clip["files"], store) == first
    os.utime(clip["files"][1])
    with pytest.raises(AssertionError, match="read again"):
        frame_digests(clip, clip["files"], store)


@pytest.mark.parametrize("damaged", [b"", b"[", b'["a"]', b"{}"])
def test_damaged_list_is_made_again(clip: pd.Series, store: Store, damaged: bytes) -> None:
    first = frame_digests(clip, clip["files"], store)
    (kept,) = store.root.rglob("digests-*.json")
    kept.write_bytes(damaged)
    assert frame_digests(clip, clip["files"], store) == first


def test_frames_of_a_video_share_its_digest(clip: pd.Series, store: Store, tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"not looked into")
    names = [f"{video}#frame={number}" for number in (0, 3)]
    one, other = frame_digests(clip, names, store)
    assert one != other
    assert one.split("#")[0] == other.split("#")[0]


def test_missing_frame_is_named(clip: pd.Series, store: Store) -> None:
    Path(clip["files"][1]).unlink()
    with pytest.raises(MerError, match=r"a readable frame; got .*img5\.png"):
        frame_digests(clip, clip["files"], store)
