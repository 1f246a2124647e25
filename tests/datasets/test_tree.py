"""A clip's frames are found by the numbers in their names, inside the dataset's folder; all that was seen is told."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mer.datasets.tree import UNSURE, ClipFrames, DatasetTree, require_root, source_state
from mer.errors import MerError
from mer.frames import video_frame_name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A dataset's folder; beside it lies nothing that is its own."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def write_clip(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def write_video(path: Path, frames: int = 5) -> Path:
    code = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix.lower() == ".avi" else "mp4v"))
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), code, 25, (64, 48))
    for number in range(frames):
        writer.write(np.full((48, 64, 3), 10 * number, np.uint8))
    writer.release()
    return path


def scandir_that_refuses(folder: Path) -> Callable[..., object]:
    """``os.scandir`` as a user meets it who may not read ``folder``; tests may run as root, whom nothing stops."""
    scandir = os.scandir

    def refuse(path: str | Path) -> object:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    return refuse


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("img46.jpg", 46),
        ("reg_img46.jpg", 46),
        ("006_05562.jpg", 5562),
        ("EP01_12-57.jpg", 57),
        ("image185126.JPG", 185126),
        ("7.png", 7),
        ("0007.bmp", 7),
        ("img0.jpg", 0),
        ("img1.jpeg", 1),
        ("表情 3.jpg", 3),
    ],
)
def test_number_is_the_last_one_of_the_name(root: Path, name: str, number: int) -> None:
    folder = write_clip(root / "clip", name)
    assert DatasetTree(root).frames("clip").names == {number: str(folder / name)}


@pytest.mark.parametrize(
    "name",
    ["Thumbs.db", "img.jpg", "notes1.txt", "img1.jpg.part", "._img46.jpg", ".DS_Store", "img4 (1).jpg", "img4.jpg\n"],
)
def test_other_files_are_no_frames(root: Path, name: str) -> None:
    write_clip(root / "clip", name)
    assert DatasetTree(root).frames("clip") == ClipFrames(lack=f"no frames on disk in {root / 'clip'}")


@pytest.mark.parametrize("name", ["img\uff14\uff16.jpg", "img\u0664\u0666.jpg", "img\uff146.jpg"])
def test_digits_of_other_scripts_make_no_number_whole_or_half(root: Path, name: str) -> None:
    write_clip(root / "clip", name)
    assert DatasetTree(root).frames("clip").names == {}


def test_number_too_long_for_a_frame_is_none(root: Path) -> None:
    write_clip(root / "clip", f"img{10**15 - 1}.jpg", f"img{10**15}.jpg", f"img{'7' * 200}.jpg")
    assert list(DatasetTree(root).frames("clip").names) == [10**15 - 1]


def test_folder_that_is_missing_has_no_frames(root: Path) -> None:
    assert DatasetTree(root).frames("absent").lack == f"no frames on disk in {root / 'absent'}"


def test_file_in_place_of_a_folder_is_said(root: Path) -> None:
    (root / "clip").touch()
    assert DatasetTree(root).frames("clip").lack.endswith("clip is no folder")
    assert DatasetTree(root).frames("clip/inner").lack.endswith("inner is no folder")


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + ".mp4"])
def test_name_too_long_for_a_disk_is_said(root: Path, name: str) -> None:
    assert "cannot be read: File name too long" in DatasetTree(root).frames(name).lack


def test_folder_named_like_a_frame_is_none(root: Path) -> None:
    write_clip(root / "clip", "img1.jpg")
    (root / "clip" / "img2.jpg").mkdir()
    assert list(DatasetTree(root).frames("clip").names) == [1]


@pytest.mark.parametrize("names", [("img46.jpg", "img046.jpg"), ("img46.jpg", "reg_img46.jpg"), ("6.jpg", "6.png")])
def test_two_files_of_one_number_are_a_flaw_that_names_both(root: Path, names: tuple[str, str]) -> None:
    write_clip(root / "clip", *names, "img1.jpg")
    flaws = DatasetTree(root).frames("clip").flaws
    assert len(flaws) == 1
    ((number, flaw),) = flaws.items()
    assert f"two files are frame {number}" in flaw
    assert all(name in flaw for name in names)


def test_link_to_a_frame_inside_the_folder_is_that_frame(root: Path) -> None:
    folder = write_clip(root / "clip", "img1.jpg")
    (folder / "img2.jpg").symlink_to(folder / "img1.jpg")
    found = DatasetTree(root).frames("clip")
    assert found.names == {1: str(folder / "img1.jpg"), 2: str(folder / "img2.jpg")}
    assert found.flaws == {}


def test_link_to_a_frame_elsewhere_is_a_flaw(root: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "data2", "img2.jpg")  # its name begins with the folder's
    (write_clip(root / "clip", "img1.jpg") / "img2.jpg").symlink_to(tmp_path / "data2" / "img2.jpg")
    assert DatasetTree(root).frames("clip").flaws == {2: "img2.jpg is a link out of the dataset's folder"}
    assert DatasetTree(root, follow_links=True).frames("clip").flaws == {}


@pytest.mark.parametrize("target", ["nowhere.jpg", "img2.jpg", "../clip", "x" * 300])
def test_link_that_leads_to_no_file_is_no_frame(root: Path, target: str) -> None:
    (write_clip(root / "clip", "img1.jpg") / "img2.jpg").symlink_to(target)
    found = DatasetTree(root).frames("clip")
    assert (list(found.names), found.flaws) == ([1], {})


def test_clip_that_is_a_link_elsewhere_is_refused_with_its_remedy(root: Path, tmp_path: Path) -> None:
    (root / "clip").symlink_to(write_clip(tmp_path / "other", "img1.jpg"))
    lack = DatasetTree(root).frames("clip").lack
    assert lack == f"{root / 'clip'} is a link out of the dataset's folder; set dataset.follow_links=true"
    assert list(DatasetTree(root, follow_links=True).frames("clip").names) == [1]


@pytest.mark.parametrize("path", ["../other", "{tmp}/other", "sub/../../other"])
def test_path_out_of_the_folder_is_refused(root: Path, tmp_path: Path, path: str) -> None:
    write_clip(tmp_path / "other", "img1.jpg")
    (root / "sub").mkdir()
    path = path.format(tmp=tmp_path)
    assert "out of the dataset's folder" in DatasetTree(root).frames(path).lack
    assert list(DatasetTree(root, follow_links=True).frames(path).names) == [1]


def test_link_to_another_clip_inside_is_followed_and_told_by_its_home(root: Path) -> None:
    (root / "alias").symlink_to(write_clip(root / "clip", "img1.jpg"))
    (root / "up").symlink_to(root)
    tree = DatasetTree(root)
    homes = {tree.frames(name).home for name in ("clip", "alias", "up/clip")}
    assert len(homes) == 1
    assert homes != {write_and_list(root, "clip2").home}


def write_and_list(root: Path, clip: str) -> ClipFrames:
    write_clip(root / clip, "img1.jpg")
    return DatasetTree(root).frames(clip)


def test_root_and_frames_folder_may_be_links_to_other_disks(tmp_path: Path) -> None:
    write_clip(tmp_path / "disk1" / "sub01", "img1.jpg")
    (tmp_path / "disk0").mkdir()
    (tmp_path / "disk0" / "frames").symlink_to(tmp_path / "disk1")
    (tmp_path / "root").symlink_to(tmp_path / "disk0")
    assert list(DatasetTree(tmp_path / "root", "frames").frames("sub01").names) == [1]


def test_folder_that_cannot_be_read_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(root / "clip", "img1.jpg")
    monkeypatch.setattr(os, "scandir", scandir_that_refuses(root / "clip"))
    assert DatasetTree(root).frames("clip").lack == f"{root / 'clip'} cannot be read: Permission denied"


@pytest.mark.parametrize("name", ["clip.avi", "clip.mp4", "clip.mov", "CLIP.AVI", "Clip.Mp4"])
@pytest.mark.parametrize("first", [0, 1])
def test_video_beside_or_in_place_of_the_folder_counts_from_the_first_frame(root: Path, name: str, first: int) -> None:
    video = write_video(root / "sub01" / name)
    for clip in ("sub01/clip", f"sub01/{name}"):
        found = DatasetTree(root, first_video_frame=first).frames(clip)
        assert found.names == {first + index: video_frame_name(video, index) for index in range(5)}


def test_frames_written_out_come_before_the_video_beside_them(root: Path) -> None:
    write_video(root / "clip.avi")
    write_clip(root / "clip")
    assert len(DatasetTree(root).frames("clip").names) == 5
    write_clip(root / "clip", "img7.jpg")
    assert list(DatasetTree(root).frames("clip").names) == [7]


def test_video_in_the_names_own_case_comes_first(root: Path) -> None:
    write_video(root / "CLIP.avi", 3)
    write_video(root / "clip.avi", 4)
    tree = DatasetTree(root)
    assert [len(tree.frames(name).names) for name in ("CLIP", "clip")] == [3, 4]


@pytest.mark.parametrize("clip", ["clip", "cLip"])
def test_two_videos_of_one_name_are_refused(root: Path, clip: str) -> None:
    write_video(root / "clip.avi")
    write_video(root / "clip.mp4")
    assert DatasetTree(root).frames(clip).lack == "two videos of that name, clip.avi and clip.mp4"


@pytest.mark.parametrize("content", [b"", b"no video", b"RIFF\x00\x00\x00\x00AVI LIST"])
def test_video_that_cannot_be_opened_is_said(root: Path, content: bytes) -> None:
    (root / "clip.avi").write_bytes(content)
    assert DatasetTree(root).frames("clip").lack == f"{root / 'clip.avi'} is no readable video"


def test_video_that_is_a_link_elsewhere_is_refused(root: Path, tmp_path: Path) -> None:
    (root / "clip.avi").symlink_to(write_video(tmp_path / "clip.avi"))
    assert "clip.avi is a link out of the dataset's folder" in DatasetTree(root).frames("clip").lack
    assert len(DatasetTree(root, follow_links=True).frames("clip").names) == 5


def test_folders_are_folders_and_videos_without_what_is_hidden(root: Path) -> None:
    write_clip(root / "b", "img1.jpg")
    (root / ".hidden").mkdir()
    write_clip(root, "notes.txt", "a.avi", "._a.avi", "c.MOV")
    (root / "linked").symlink_to(root / "b")
    assert DatasetTree(root).folders("") == ["a", "b", "c", "linked"]


def test_links_that_lead_nowhere_are_named_so_that_no_clip_is_lost(root: Path) -> None:
    write_clip(root / "clip")
    (root / "dangling").symlink_to(root / "absent")
    (root / "loop").symlink_to(root / "loop")
    tree = DatasetTree(root)
    assert tree.folders("") == ["clip", "dangling", "loop"]
    assert tree.frames("dangling").lack
    assert tree.frames("loop").lack


def test_folders_of_nothing_are_none(root: Path) -> None:
    (root / "file").touch()
    (root / "loop").symlink_to(root / "loop")
    assert [DatasetTree(root).folders(name) for name in ("absent", "file", "loop", "x" * 300)] == [[], [], [], []]


def test_folder_that_cannot_be_listed_is_an_error_and_not_empty(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(root / "sub01")
    monkeypatch.setattr(os, "scandir", scandir_that_refuses(root / "sub01"))
    with pytest.raises(MerError, match=r"a readable folder; got .*sub01: Permission denied; make it readable"):
        DatasetTree(root).folders("sub01")


def test_all_that_was_looked_at_is_in_seen(root: Path) -> None:
    write_clip(root / "frames" / "clip", "img1.jpg")
    write_video(root / "frames" / "film.avi")
    (root / "sheet.csv").write_text("a,b")
    tree = DatasetTree(root, "frames")
    assert tree.file("sheet.csv") == root / "sheet.csv"
    tree.file("absent.csv")
    tree.folders("")
    for clip in ("clip", "film", "gone"):
        tree.frames(clip)
    names = ("sheet.csv", "absent.csv", "frames", "frames/clip", "frames/film", "frames/film.avi", "frames/gone")
    assert {name for name in names if str(root / name) in tree.seen} == set(names)
    assert all(tree.seen[str(root / name)] == source_state(root / name) for name in names)


def test_state_seen_first_is_kept(root: Path) -> None:
    # What changes while it is read must not pass for what was read.
    tree = DatasetTree(root)
    sheet = tree.file("sheet.csv")
    sheet.write_text("new")
    tree.file("sheet.csv")
    assert tree.seen[str(sheet)] is None


@pytest.mark.parametrize("what", ["clip", "frame", "dangling frame", "video", "closed"])
def test_what_can_change_unseen_is_marked(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    other = write_clip(tmp_path / "other", "img2.jpg", "film.avi")
    if what == "clip":
        (root / "clip").symlink_to(other)
    elif what == "video":
        (root / "clip.avi").symlink_to(other / "film.avi")
    else:
        write_clip(root / "clip", "img1.jpg")
        if what != "closed":
            (root / "clip" / "img2.jpg").symlink_to(other / ("img2.jpg" if what == "frame" else "absent.jpg"))
    if what == "closed":
        monkeypatch.setattr(os, "scandir", scandir_that_refuses(root / "clip"))
    tree = DatasetTree(root)
    tree.frames("clip")
    assert UNSURE in tree.seen.values()


def test_state_tells_every_change(root: Path) -> None:
    clip, sheet, film = write_clip(root / "clip", "img1.jpg"), root / "a.csv", root / "a.avi"
    sheet.write_text("1")
    film.write_text("1")
    before = {path: source_state(path) for path in (clip, sheet, film, root / "absent")}
    assert before[root / "absent"] is None
    sheet.write_text("2")
    film.write_text("22")
    os.utime(clip, ns=(1, 1))
    write_clip(root / "absent")
    assert all(source_state(path) != state for path, state in before.items())


def test_state_of_a_sheet_is_its_content_whenever_it_was_written(root: Path) -> None:
    sheet = root / "a.csv"
    sheet.write_text("1")
    state = source_state(sheet)
    os.utime(sheet, ns=(1, 1))
    assert source_state(sheet) == state


def test_state_of_what_is_no_file_is_told_without_reading_it(root: Path) -> None:
    os.mkfifo(root / "pipe")  # who opens it waits for ever
    assert source_state(root / "pipe") is not None
    assert source_state("/dev/zero") is not None


@pytest.mark.parametrize("given", [None, ""])
def test_root_is_required(given: str | None) -> None:
    with pytest.raises(MerError, match=r"expected the folder of SAMM; got none; set dataset\.root=DIR"):
        require_root(given, "SAMM")


def test_root_may_be_written_from_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "samm").mkdir()
    assert require_root("~/samm", "SAMM") == tmp_path / "samm"


@pytest.mark.parametrize("name", ["samm.zip", "absent", "x" * 300])
def test_root_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "samm.zip").touch()
    with pytest.raises(MerError, match=rf"no folder .*{name}; set dataset\.root=DIR"):
        require_root(tmp_path / name, "SAMM")


def test_home_folder_of_nobody_is_refused() -> None:
    with pytest.raises(MerError, match=r"no folder ~nobody-of-that-name/data"):
        require_root("~nobody-of-that-name/data", "SAMM")
