"""A kept index is used as long as all that it was read from is as it was, and equals one read anew."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mer.clip import ClipIndex
from mer.datasets import Casme2, ClipSource, Composite, Folder
from mer.datasets import cache as cache_module
from mer.datasets.cache import read_index
from tests.fakes import Casme2Row, write_casme2
from tests.fakes.casme2 import FRAMES, SHEET

CLIP = f"{FRAMES}/sub01/EP01_01f"
LONG_AGO_NS = 10**18


def settle(root: Path) -> None:
    """Give every folder a time long ago, so that a change now is one that a clock can tell."""
    for folder, _, _ in os.walk(root):
        os.utime(folder, ns=(LONG_AGO_NS, LONG_AGO_NS))


@pytest.fixture
def root(casme2_root: Path) -> Path:
    settle(casme2_root)
    return casme2_root


class Counted:
    """A dataset that counts how often it is read."""

    def __init__(self, source: ClipSource) -> None:
        self.source, self.name, self.reads = source, source.name, 0

    def load(self) -> ClipIndex:
        self.reads += 1
        return self.source.load()


def reads(source: ClipSource, store: Path, **settings: object) -> int:
    """How often one more call for the index of ``source`` reads it: 0 where the kept one is used."""
    counted = Counted(source)
    read_index(counted, settings, store)
    return counted.reads


@contextmanager
def listed_folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    scandir, names = os.scandir, list[str]()

    def note(path: str | Path) -> object:
        names.append(str(path))
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", note)
        yield names


def assert_equal(one: ClipIndex, other: ClipIndex) -> None:
    pd.testing.assert_frame_equal(one.clips, other.clips)
    assert replace(one, clips=other.clips) == other


def test_second_read_lists_no_folder_and_gives_the_same(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listed_folders(monkeypatch) as first:
        fresh = read_index(Casme2(root), {}, tmp_path / "store")
    with listed_folders(monkeypatch) as second:
        kept = read_index(Casme2(root), {}, tmp_path / "store")
    assert len([name for name in first if name.startswith(f"{root / FRAMES}/sub0")]) == 4
    assert second == []
    assert_equal(kept, fresh)


def test_notes_missing_values_and_corrections_are_kept(tmp_path: Path) -> None:
    rows = [Casme2Row(apex="/"), Casme2Row(clip="EP02_01f", on_disk=[]), Casme2Row(clip="EP03", offset=9)]
    rows.append(Casme2Row(clip="EP04", onset=3, apex=5, offset=9, on_disk=[3, 4, 5, 6, 8, 9]))
    root = write_casme2(tmp_path / "data", rows)
    settle(root)
    fresh = read_index(Casme2(root), {}, tmp_path / "store")
    assert len(fresh.notes) == 3
    assert fresh.clips["apex"].isna().tolist() == [True, False, False]
    assert reads(Casme2(root), tmp_path / "store") == 0
    assert_equal(read_index(Casme2(root), {}, tmp_path / "store"), fresh)


def test_index_of_nothing_usable_is_kept_too(tmp_path: Path) -> None:
    root = write_casme2(tmp_path / "data", [Casme2Row(on_disk=[])])
    settle(root)
    fresh = read_index(Casme2(root), {}, tmp_path / "store")
    assert len(fresh) == 0
    assert_equal(read_index(Casme2(root), {}, tmp_path / "store"), fresh)
    assert reads(Casme2(root), tmp_path / "store") == 0


def test_one_kept_index_serves_several_datasets(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    shutil.copytree(root / CLIP, tmp_path / "mine" / "clip")
    (tmp_path / "mine" / "clips.csv").write_text("dataset,subject,clip,path,fps,label\nmine,s1,c1,clip,30,happiness\n")
    settle(tmp_path / "mine")
    both = Composite({"casme2": Casme2(root), "mine": Folder(tmp_path / "mine")})
    fresh = read_index(both, {}, tmp_path / "store")
    assert len(fresh) == 5
    assert_equal(read_index(both, {}, tmp_path / "store"), fresh)
    assert reads(both, tmp_path / "store") == 0
    (tmp_path / "mine" / "clip" / "img8.jpg").rename(tmp_path / "mine" / "clip" / "img7.jpg")
    assert reads(both, tmp_path / "store") == 1


def add_frame(root: Path) -> None:
    (root / CLIP / "img99.jpg").touch()


def remove_frame(root: Path) -> None:
    (root / CLIP / "img12.jpg").unlink()


def rename_frame(root: Path) -> None:
    (root / CLIP / "img12.jpg").rename(root / CLIP / "img13.jpg")


def rename_clip(root: Path) -> None:
    (root / CLIP).rename(root / f"{CLIP}x")


def rename_subject(root: Path) -> None:
    (root / FRAMES / "sub01").rename(root / FRAMES / "sub03")


def swap_clips(root: Path) -> None:
    other = root / FRAMES / "sub01" / "EP02_01f"
    (root / CLIP).rename(root / "aside")
    other.rename(root / CLIP)
    (root / "aside").rename(other)


def edit_sheet(root: Path) -> None:
    path = root / SHEET
    times = path.stat()
    write_casme2(root / "other", [Casme2Row()])
    path.write_bytes((root / "other" / SHEET).read_bytes())
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replace_clip_by_copy_of_equal_times(root: Path) -> None:
    shutil.copytree(root / CLIP, root / "copy", copy_function=shutil.copy2)
    (root / "copy" / "img12.jpg").unlink()
    shutil.rmtree(root / CLIP)
    (root / "copy").rename(root / CLIP)
    settle(root)


@pytest.mark.parametrize(
    "change",
    [
        add_frame,
        remove_frame,
        rename_frame,
        rename_clip,
        rename_subject,
        swap_clips,
        edit_sheet,
        replace_clip_by_copy_of_equal_times,
    ],
)
def test_change_on_the_disk_is_read_anew(root: Path, tmp_path: Path, change: object) -> None:
    read_index(Casme2(root), {}, tmp_path / "store")
    assert reads(Casme2(root), tmp_path / "store") == 0
    assert callable(change)
    change(root)
    fresh = Casme2(root).load()
    assert_equal(read_index(Casme2(root), {}, tmp_path / "store"), fresh)


def test_sheet_that_comes_later_is_read(root: Path, tmp_path: Path) -> None:
    read_index(Casme2(root, objective_sheet="late.xlsx"), {}, tmp_path / "store")
    shutil.copy(root / SHEET, root / "late.xlsx")
    counted = Counted(Casme2(root, objective_sheet="late.xlsx"))
    with pytest.raises(Exception, match="Objective Class"):
        read_index(counted, {}, tmp_path / "store")
    assert counted.reads == 1


def test_video_that_changed_is_read_anew(tmp_path: Path) -> None:
    def film(frames: int) -> None:
        writer = cv2.VideoWriter(str(tmp_path / "data" / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (32, 24))
        for _ in range(frames):
            writer.write(np.zeros((24, 32, 3), np.uint8))
        writer.release()

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "clips.csv").write_text("dataset,subject,clip,path,label\nmine,s1,c1,a.avi,happiness\n")
    film(5)
    settle(tmp_path / "data")
    source = Folder(tmp_path / "data")
    assert read_index(source, {}, tmp_path / "store").clips["offset"].tolist() == [5]
    assert reads(source, tmp_path / "store") == 0
    film(7)
    assert read_index(source, {}, tmp_path / "store").clips["offset"].tolist() == [7]


def test_other_settings_are_read_anew(root: Path, tmp_path: Path) -> None:
    assert [reads(Casme2(root), tmp_path / "store", fill_gaps=gaps) for gaps in (0, 0, 1, 1, 0)] == [1, 0, 1, 0, 0]


def test_equal_words_for_another_folder_are_read_anew(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_casme2(tmp_path / "there" / "casme2", [Casme2Row()])
    settle(tmp_path / "there")
    found = []
    for place in (tmp_path, tmp_path / "there"):
        monkeypatch.chdir(place)
        monkeypatch.setenv("HOME", str(tmp_path))
        found.append(len(read_index(Casme2("casme2"), {"root": "casme2"}, tmp_path / "store")))
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(place))
        found.append(len(read_index(Casme2("~/casme2"), {"root": "~/casme2"}, tmp_path / "store")))
    assert found == [4, 4, 1, 1]


def test_other_code_reads_anew(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_index(Casme2(root), {}, tmp_path / "store")
    monkeypatch.setattr(cache_module, "_adapters_digest", lambda: "of another version")
    assert reads(Casme2(root), tmp_path / "store") == 1


@pytest.mark.parametrize("content", [b"", b"{}", b"\n{}", b"0" * 64 + b"\n{}", bytes(99)])
def test_damaged_file_is_read_anew_and_replaced(root: Path, tmp_path: Path, content: bytes) -> None:
    read_index(Casme2(root), {}, tmp_path / "store")
    (kept,) = (tmp_path / "store" / "index").iterdir()
    kept.write_bytes(content)
    assert [reads(Casme2(root), tmp_path / "store") for _ in range(2)] == [1, 0]


def test_any_flipped_bit_of_the_file_is_found(root: Path, tmp_path: Path) -> None:
    read_index(Casme2(root), {}, tmp_path / "store")
    (kept,) = (tmp_path / "store" / "index").iterdir()
    whole = kept.read_bytes()
    for place in range(0, len(whole), 97):
        kept.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert reads(Casme2(root), tmp_path / "store") == 1
    assert kept.read_bytes() == whole


def test_folder_changed_just_now_is_not_kept(root: Path, tmp_path: Path) -> None:
    add_frame(root)
    assert [reads(Casme2(root), tmp_path / "store") for _ in range(2)] == [1, 1]
    settle(root)
    assert [reads(Casme2(root), tmp_path / "store") for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("what", ["clip", "frame", "dangling"])
def test_index_that_a_link_decided_is_not_kept(root: Path, tmp_path: Path, what: str) -> None:
    # The link's target can come, go or be moved in without a trace in any folder that was seen.
    target = tmp_path / "elsewhere"
    place = root / CLIP if what == "clip" else root / CLIP / "img12.jpg"
    place.rename(target)
    place.symlink_to(target if what != "dangling" else tmp_path / "absent")
    settle(root)
    first = read_index(Casme2(root), {}, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    place.unlink()
    target.rename(place)
    settle(root)
    second = read_index(Casme2(root), {}, tmp_path / "store")
    assert [len(first) + len(first.notes), len(second), len(second.notes)] == [4 + (what == "dangling"), 4, 0]


def test_store_that_cannot_be_written_is_no_error(root: Path, tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    assert [reads(Casme2(root), tmp_path / "store") for _ in range(2)] == [1, 1]


def test_dataset_that_does_not_say_what_it_read_is_not_kept(root: Path, tmp_path: Path) -> None:
    class Silent(Casme2):
        def load(self) -> ClipIndex:
            return replace(super().load(), sources={})

    assert [reads(Silent(root), tmp_path / "store") for _ in range(2)] == [1, 1]
