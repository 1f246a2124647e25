"""Frames come one at a time, with their times, turned as the file says; what cannot be read ends in one line."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mer.errors import MerError
from mer.predict import FrameFolder, FramesInMemory, VideoFile, open_frames
from mer.predict.frames import _decoded
from tests.predict.faces import write_video


def images(count: int = 5, height: int = 40, width: int = 64) -> list[np.ndarray]:
    rows, columns = np.indices((height, width))
    return [np.stack([rows * 4, columns * 3, rows * 0 + 40 * number], -1).astype(np.uint8) for number in range(count)]


def test_video_is_read_again_and_again_with_rising_times(tmp_path: Path) -> None:
    stream = open_frames(write_video(tmp_path / "a b.avi", images(), fps=25.0))
    for _ in range(2):
        read = list(stream)
        assert [frame.index for frame in read] == [0, 1, 2, 3, 4]
        np.testing.assert_allclose([frame.seconds for frame in read], np.arange(5) / 25, atol=1e-6)
        assert np.abs(read[3].image.astype(float) - images()[3]).mean() < 8  # red stays red through JPEG
    assert (stream.name, stream.fps, stream.expected) == ("a b", 25.0, 5)


class StampedCapture:
    def __init__(self, stamps_ms: list[float]) -> None:
        self.stamps_ms, self.at = stamps_ms, -1

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.at += 1
        return (True, np.zeros((4, 4, 3), np.uint8)) if self.at < len(self.stamps_ms) else (False, None)

    def get(self, _: int) -> float:
        return self.stamps_ms[self.at]


@pytest.mark.parametrize(
    ("stamps_ms", "seconds"),
    [
        ([0, 30, 75, 80], [0, 0.030, 0.075, 0.080]),
        ([500, 540, 590, 610], [0, 0.04, 0.09, 0.11]),
        ([0, 0, 0, 0], [0, 0.04, 0.08, 0.12]),
        ([0, 40, 20, 120], [0, 0.04, 0.08, 0.12]),
    ],
    ids=["variable rate", "late start", "no stamps", "a stamp that falls"],
)
def test_time_stamps_count_where_they_rise(stamps_ms: list[float], seconds: list[float]) -> None:
    frames = list(_decoded(StampedCapture(stamps_ms), 0.04))  # type: ignore[arg-type]
    np.testing.assert_allclose([frame.seconds for frame in frames], seconds, atol=1e-12)


def test_phone_video_is_turned_as_its_metadata_say(tmp_path: Path) -> None:
    file = tmp_path / "phone.mp4"
    write_video(file, images(3), codec="mp4v")
    upright = next(iter(VideoFile(str(file)))).image
    content = bytearray(file.read_bytes())
    # A track header holds the matrix as nine fixed-point numbers; this one is a quarter turn.
    at = content.index(b"tkhd") + 4 + 40
    quarter = [0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000]
    content[at : at + 36] = b"".join(number.to_bytes(4, "big", signed=True) for number in quarter)
    file.write_bytes(content)
    turned = next(iter(VideoFile(str(file)))).image
    assert turned.shape == (64, 40, 3)
    np.testing.assert_array_equal(turned, np.rot90(upright, -1))


def test_grey_video_has_three_equal_channels(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "grey.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 40), False)
    for image in images():
        writer.write(np.ascontiguousarray(image[..., 0]))
    writer.release()
    frame = next(iter(open_frames(str(tmp_path / "grey.avi")))).image
    assert frame.shape == (40, 64, 3)
    assert np.ptp(frame.astype(int), axis=-1).max() <= 2


def test_one_frame_is_a_video(tmp_path: Path) -> None:
    assert len(list(open_frames(write_video(tmp_path / "one.avi", images(1))))) == 1


def test_images_of_a_folder_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        cv2.imwrite(str(tmp_path / f"img{number}.png"), np.full((8, 8, 3), number, np.uint8))
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "._img3.png").write_text("what macOS leaves beside an image")
    stream = open_frames(str(tmp_path), fps=50)
    assert [frame.image[0, 0, 0] for frame in stream] == [1, 2, 10]
    assert [frame.seconds for frame in stream] == [0, 0.02, 0.04]
    assert (stream.name, stream.expected) == (tmp_path.name, 3)


def test_grey_frames_in_memory_become_rgb() -> None:
    (frame,) = FramesInMemory([np.full((4, 6), 7, np.uint8)], 25)
    assert frame.image.shape == (4, 6, 3)


def test_what_is_no_video_ends_in_one_line(tmp_path: Path) -> None:
    whole = Path(write_video(tmp_path / "whole.avi", images())).read_bytes()
    phone = Path(write_video(tmp_path / "whole.mp4", images(), codec="mp4v")).read_bytes()
    for name, content, says in [
        ("empty.mp4", b"", "0 bytes"),
        ("half.avi", whole[: len(whole) // 2], "breaks off"),
        ("half.mp4", phone[: len(phone) // 2], "breaks off"),
        ("text.mp4", b"no video at all" * 50, "holds no frames"),
        ("notes.txt", b"notes", "a video (.mp4, .avi, .mov)"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(MerError) as refused:
            open_frames(str(tmp_path / name))
        assert says in str(refused.value), name
    with pytest.raises(MerError, match="no file"):
        open_frames(str(tmp_path / "nosuch.mp4"))


def test_video_without_a_frame_rate_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_video(tmp_path / "v.avi", images())
    monkeypatch.setattr("mer.predict.frames.video_fps", lambda source: float("nan"))
    with pytest.raises(MerError, match=r"frames a second in .*v\.avi; got none"):
        open_frames(file)


def test_folder_without_images_or_frame_rate_ends_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(MerError, match="images"):
        FrameFolder(str(tmp_path), 25)
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(MerError, match="set fps="):
        FrameFolder(str(tmp_path), None)
    with pytest.raises(MerError, match="fps to be a number"):
        FrameFolder(str(tmp_path), 0.0)


def test_frames_of_two_sizes_end_in_one_line(tmp_path: Path) -> None:
    for number, side in ((1, 8), (2, 9)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((side, side, 3), np.uint8))
    with pytest.raises(MerError, match=r"frames of 8x8; got frame 1 of 9x9"):
        list(FrameFolder(str(tmp_path), 25))


@pytest.mark.parametrize(
    "frame", [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8)]
)
def test_arrays_of_another_kind_are_refused(frame: np.ndarray) -> None:
    with pytest.raises(MerError, match="uint8"):
        list(FramesInMemory([frame], 25))  # type: ignore[list-item]


def test_no_frames_in_memory_are_refused() -> None:
    with pytest.raises(MerError, match="got none"):
        FramesInMemory([], 25)
