"""Every kind of file that mer writes is read to its end, so that half of one is noticed."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure
from safetensors.numpy import save_file

from mer.video_writer import video_writer
from tests.faults.trees import content, half_written, left_over

BODY = b'{"clips": []}'


def write_all(folder: Path) -> list[str]:
    """One whole file of each kind; their names."""
    (folder / "a.json").write_text('{"a": 1}')
    (folder / "cache.json").write_bytes(hashlib.sha256(BODY).hexdigest().encode() + b"\n" + BODY)
    (folder / "a.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    (folder / "a.yaml").write_text("a: {b: 1}")
    (folder / "a.csv").write_text("a,b\n1,2\n")
    (folder / "a.html").write_text("<html></html>\n")
    (folder / "a.md").write_text("# A\n")
    save_file({"a": np.zeros(9)}, folder / "a.safetensors")
    np.savez(folder / "a.npz", a=np.zeros(9))
    cv2.imwrite(str(folder / "a.png"), np.zeros((9, 9, 3), np.uint8))
    for kind in ("svg", "pdf"):
        Figure().savefig(folder / f"a.{kind}")
    with video_writer(folder / "a.mp4", 25, 32, 32) as writer:
        for _ in range(3):
            writer.write(np.zeros((32, 32, 3), np.uint8))
    return sorted(path.name for path in folder.iterdir())


def test_whole_files_are_whole_and_each_cut_one_is_named(tmp_path: Path) -> None:
    names = write_all(tmp_path)
    assert len(names) == 13
    assert half_written(tmp_path) == []
    for name in names:
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-3])
    assert half_written(tmp_path) == names


def test_file_of_a_kind_that_nobody_can_check_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.bin").touch()
    (tmp_path / "said.log").touch()
    assert half_written(tmp_path) == ["a.bin"]


def test_hidden_files_are_no_results_but_left_over(tmp_path: Path) -> None:
    (tmp_path / ".writing").mkdir()
    (tmp_path / ".writing" / "1").touch()
    (tmp_path / "run").mkdir()
    for name in (".lock", ".a.json.part", "a.json"):
        (tmp_path / "run" / name).write_text("{}")
    assert list(content(tmp_path, "*")) == ["run/a.json"]
    assert left_over(tmp_path) == [".writing/1", "run/.a.json.part"]
    assert half_written(tmp_path) == []


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ('{"a": 1, "seconds": 2}', '{"seconds": 3, "a": 1}', True),
        ('{"a": 1}', '{"a": 2}', False),
        ("[1]", "[2]", False),
    ],
)
def test_content_leaves_out_what_differs_from_run_to_run_alone(
    tmp_path: Path, one: str, other: str, is_same: bool
) -> None:
    found = []
    for text in (one, other):
        (tmp_path / "a.json").write_text(text)
        found.append(content(tmp_path, "*.json"))
    assert (found[0] == found[1]) is is_same
