"""A folder's frames are found by the number in their names."""

from pathlib import Path

import pytest

from mer.datasets.frames import list_frames, require_root
from mer.errors import MerError


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("img46.jpg", 46),
        ("reg_img46.jpg", 46),
        ("006_05562.jpg", 5562),
        ("image185126.JPG", 185126),
        ("7.png", 7),
        ("0007.bmp", 7),
        ("img1.jpeg", 1),
    ],
)
def test_number_is_the_last_one_of_the_name(tmp_path: Path, name: str, number: int) -> None:
    (tmp_path / name).touch()
    assert list_frames(tmp_path) == {number: str(tmp_path / name)}


@pytest.mark.parametrize("name", ["Thumbs.db", "img.jpg", "notes1.txt", "img1.jpg.part", "._img46.jpg", ".DS_Store"])
def test_other_files_are_no_frames(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert list_frames(tmp_path) == {}


def test_folder_that_is_missing_has_no_frames(tmp_path: Path) -> None:
    assert list_frames(tmp_path / "absent") == {}


@pytest.mark.parametrize("root", [None, ""])
def test_root_is_required(root: str | None) -> None:
    with pytest.raises(MerError, match=r"expected the folder of SAMM; got none; set dataset\.root=DIR"):
        require_root(root, "SAMM")


def test_root_may_be_written_from_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "samm").mkdir()
    assert require_root("~/samm", "SAMM") == tmp_path / "samm"


def test_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "samm.zip").touch()
    with pytest.raises(MerError, match=r"no folder .*samm\.zip"):
        require_root(tmp_path / "samm.zip", "SAMM")
