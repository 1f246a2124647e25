"""An mp4 is whole or not there, whatever OpenCV says, or does not say."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mer.errors import MerError
from mer.video_writer import is_whole_mp4, video_writer
from tests.full_disk import room

N_FRAMES = 12
FRAMES = np.random.default_rng(0).integers(0, 256, (N_FRAMES, 64, 48, 3), np.uint8)


def write(path: Path, frames: int = N_FRAMES) -> None:
    with video_writer(path, 25, 48, 64) as writer:
        for frame in FRAMES[:frames]:
            writer.write(frame)


def test_every_frame_can_be_read(tmp_path: Path) -> None:
    write(tmp_path / "new" / "x.mp4")
    capture = cv2.VideoCapture(str(tmp_path / "new" / "x.mp4"))
    assert [capture.read()[0] for _ in range(N_FRAMES + 1)] == [True] * N_FRAMES + [False]


def test_nothing_is_left_of_a_video_that_breaks(tmp_path: Path) -> None:
    with pytest.raises(KeyError), video_writer(tmp_path / "x.mp4", 25, 16, 16):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_what_opencv_refuses_is_said(tmp_path: Path) -> None:
    with pytest.raises(MerError, match="OpenCV refused it"), video_writer(tmp_path / "x.mp4", 25, 0, 0):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("n_bytes", [0, 100, 20_000])
def test_video_on_a_full_disk_is_refused_and_the_old_one_stays(tmp_path: Path, n_bytes: int) -> None:
    write(tmp_path / "x.mp4", frames=2)
    old = (tmp_path / "x.mp4").read_bytes()
    with pytest.raises(MerError, match=r"to write .*x\.mp4; got (not all of the video|OpenCV)"), room(n_bytes):
        write(tmp_path / "x.mp4")
    assert (tmp_path / "x.mp4").read_bytes() == old
    assert len(list(tmp_path.iterdir())) == 1


def test_file_is_whole_only_to_its_last_byte_and_with_its_index(tmp_path: Path) -> None:
    write(tmp_path / "x.mp4")
    data = (tmp_path / "x.mp4").read_bytes()
    cut = tmp_path / "cut.mp4"
    for end in (0, 4, 8, 40, len(data) // 2, len(data) - 1):
        cut.write_bytes(data[:end])
        assert not is_whole_mp4(cut), end
    cut.write_bytes(data + b"\0")
    assert not is_whole_mp4(cut)
    cut.write_bytes(data[: data.index(b"moov") - 4])
    assert not is_whole_mp4(cut)
    assert is_whole_mp4(tmp_path / "x.mp4")


def test_box_of_64_bits_is_followed(tmp_path: Path) -> None:
    frames = (1).to_bytes(4, "big") + b"mdat" + (20).to_bytes(8, "big") + b"1234"
    (tmp_path / "x.mp4").write_bytes(frames + (8).to_bytes(4, "big") + b"moov")
    assert is_whole_mp4(tmp_path / "x.mp4")
