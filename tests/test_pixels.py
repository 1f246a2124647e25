"""A file's header tells how many pixels would be decoded, before memory is taken for them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mer.errors import MerError
from mer.frames import open_video
from mer.pixels import decoded, image_size, most_pixels
from tests.hostile.payloads import write_png

NOISE = np.random.default_rng(0).integers(0, 256, (7, 11, 3), np.uint8)


@pytest.mark.parametrize(
    ("ending", "settings"),
    [
        *((".png", ()), (".bmp", ()), (".jpg", ())),
        (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        (".jpg", (cv2.IMWRITE_JPEG_RST_INTERVAL, 1)),
    ],
)
def test_size_is_the_decoders(ending: str, settings: tuple[int, ...]) -> None:
    data = cv2.imencode(ending, NOISE, settings)[1].tobytes()
    assert image_size(data) == (11, 7)
    image = decoded(data)
    assert image is not None
    assert image.shape == (7, 11, 3)


def test_colours_are_red_green_blue() -> None:
    image = decoded(cv2.imencode(".png", NOISE[..., ::-1])[1].tobytes())
    assert image is not None
    np.testing.assert_array_equal(image, NOISE)


def test_tables_before_the_frame_are_no_frame() -> None:
    data = cv2.imencode(".jpg", NOISE)[1].tobytes()
    for mark in (b"\xff\xc4", b"\xff\xc8", b"\xff\xcc"):
        assert image_size(data[:2] + mark + b"\x00\x0b" + b"\x7f" * 9 + data[2:]) == (11, 7)


def test_thumbnail_and_fill_bytes_before_the_frame_are_passed_over() -> None:
    data = cv2.imencode(".jpg", NOISE)[1].tobytes()
    thumbnail = cv2.imencode(".jpg", NOISE[:3, :3])[1].tobytes()
    part = b"\xff\xff\xff\xe1" + (2 + len(thumbnail)).to_bytes(2, "big") + thumbnail
    assert image_size(data[:2] + part + data[2:]) == (11, 7)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x00" * 4, b"GIF89a" + bytes(40)])
def test_no_size_is_made_up(data: bytes) -> None:
    assert image_size(data) is None
    assert decoded(data) is None


def test_bmp_that_stands_on_its_head_has_the_same_size() -> None:
    data = bytearray(cv2.imencode(".bmp", NOISE)[1].tobytes())
    data[22:26] = (-7).to_bytes(4, "little", signed=True)
    assert image_size(bytes(data)) == (11, 7)


def test_bound_does_not_wait_for_opencvs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OpenCV reads its own bound when it is imported, which may be before mer is."""
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "77")
    assert decoded(cv2.imencode(".png", NOISE)[1].tobytes()) is not None
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "76")
    assert decoded(cv2.imencode(".png", NOISE)[1].tobytes()) is None
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "many")
    assert most_pixels() == 2**26
    assert decoded(write_png(tmp_path / "bomb.png", 8200, 8200).read_bytes()) is None


def test_video_of_too_many_pixels_is_refused_before_a_frame_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = str(tmp_path / "film.avi")
    writer = cv2.VideoWriter(file, cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    open_video(file).release()
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "3071")
    with pytest.raises(MerError, match=r"frames of 3071 px at most; got 64x48 in .*film\.avi; scale them down"):
        open_video(file)
