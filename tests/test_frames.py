"""A frame is read whole or not at all, be it a file or one of a video, and its state tells that its file changed."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from mer.errors import MerError
from mer.frames import (
    count_video_frames,
    frame_problem,
    frame_state,
    map_frames,
    read_frame,
    split_frame_name,
    video_fps,
    video_frame_name,
)

Frame = npt.NDArray[np.uint8]
KINDS = (".jpg", ".png", ".bmp")
VIDEOS = ((".mp4", "mp4v"), (".avi", "MJPG"), (".mov", "mp4v"))


@pytest.fixture
def frame() -> Frame:
    """Smooth noise, 48x64, as RGB."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8)


def encoded(frame: Frame, kind: str) -> bytes:
    return bytes(cv2.imencode(kind, frame[..., ::-1])[1])


def write_video(path: Path, code: str, frames: int = 12, fps: float = 25) -> list[Frame]:
    """Write a video of frames that differ clearly; returns it decoded in order by OpenCV alone."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), fps, (64, 48))
    for number in range(frames):
        image = np.full((48, 64, 3), (20 * number, 255 - 20 * number, 128), np.uint8)
        writer.write(cv2.circle(image, (5 * number, 24), 8, (255, 255, 255), -1))
    writer.release()
    capture, decoded = cv2.VideoCapture(str(path)), []
    while True:
        found, image = capture.read()
        if not found:
            break
        decoded.append(image[..., ::-1])
    capture.release()
    return decoded


@pytest.fixture(params=VIDEOS, ids=[kind for kind, _ in VIDEOS])
def video(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[Frame]]:
    """A video and its frames."""
    kind, code = request.param
    return tmp_path / f"film{kind}", write_video(tmp_path / f"film{kind}", code)


@pytest.mark.parametrize("kind", [".png", ".bmp"])
def test_lossless_frame_is_read_as_it_was_written(tmp_path: Path, frame: Frame, kind: str) -> None:
    path = tmp_path / f"img1{kind}"
    path.write_bytes(encoded(frame, kind))
    np.testing.assert_array_equal(read_frame(str(path)), frame)
    assert read_frame(str(path)).dtype == np.uint8
    assert frame_problem(str(path)) == ""


def test_jpeg_is_read_as_opencv_decodes_it(tmp_path: Path, frame: Frame) -> None:
    path = tmp_path / "表情 1.jpg"
    path.write_bytes(encoded(frame, ".jpg"))
    decoded = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(read_frame(str(path)), decoded)


@pytest.mark.parametrize(("kind", "name"), [(".png", "img1.jpg"), (".jpg", "img1.png"), (".bmp", "img1.jpeg")])
def test_content_decides_and_not_the_name(tmp_path: Path, frame: Frame, kind: str, name: str) -> None:
    (tmp_path / name).write_bytes(encoded(frame, kind))
    assert read_frame(str(tmp_path / name)).shape == (48, 64, 3)
    assert frame_problem(str(tmp_path / name)) == ""


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparent_images_become_rgb(tmp_path: Path, channels: int) -> None:
    path = str(tmp_path / "img1.png")
    cv2.imwrite(path, np.full((4, 5, channels), 7, np.uint8))
    assert read_frame(path).shape == (4, 5, 3)
    assert (read_frame(path) == 7).all()


@pytest.mark.parametrize("kind", KINDS)
def test_file_cut_off_anywhere_is_refused(tmp_path: Path, frame: Frame, kind: str) -> None:
    # OpenCV 4 fills up what is missing with grey and says nothing.
    path, whole = tmp_path / f"img1{kind}", encoded(frame, kind)
    for size in [*range(0, len(whole), 41), len(whole) - 1]:
        path.write_bytes(whole[:size])
        assert frame_problem(str(path)), size
        with pytest.raises(MerError, match=r"a readable frame; got .*img1\..* \(it .*\); copy it again"):
            read_frame(str(path))


@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_file_whose_end_is_zeros_is_refused(tmp_path: Path, frame: Frame, kind: str) -> None:
    # What a download that reserved its space leaves behind.
    path, whole = tmp_path / f"img1{kind}", encoded(frame, kind)
    path.write_bytes(whole[: len(whole) // 2].ljust(len(whole), b"\0"))
    assert frame_problem(str(path)) == "it breaks off"


def test_jpeg_with_a_few_bytes_behind_its_end_is_whole(tmp_path: Path, frame: Frame) -> None:
    (tmp_path / "img1.jpg").write_bytes(encoded(frame, ".jpg") + bytes(100))
    assert frame_problem(str(tmp_path / "img1.jpg")) == ""
    assert read_frame(str(tmp_path / "img1.jpg")).shape == (48, 64, 3)


def with_thumbnail(jpeg: bytes, thumbnail: bytes, padding: bytes = b"") -> bytes:
    """A JPEG that holds another one before its own data, as cameras put a thumbnail into the Exif segment."""
    segment = b"Exif\0\0" + thumbnail
    return jpeg[:2] + padding + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + jpeg[2:]


@pytest.mark.parametrize("padding", [b"", b"\xff\xff"])
def test_end_of_a_thumbnail_is_not_the_end_of_the_frame(tmp_path: Path, frame: Frame, padding: bytes) -> None:
    path, thumbnail = tmp_path / "img1.jpg", encoded(frame[::4, ::4], ".jpg")
    whole = with_thumbnail(encoded(frame, ".jpg"), thumbnail, padding)
    path.write_bytes(whole)
    assert frame_problem(str(path)) == ""
    assert read_frame(str(path)).shape == (48, 64, 3)
    for size in range(len(thumbnail) + 10, len(whole), 53):
        path.write_bytes(whole[:size])
        assert frame_problem(str(path)) == "it breaks off"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty"),
        (b"no picture\n", "it is no JPEG, PNG or BMP"),
        (b"GIF89a" + bytes(40), "it is no JPEG, PNG or BMP"),
        (b"<html>log in</html>", "it is no JPEG, PNG or BMP"),
        (b"\xff\xd8", "it breaks off"),
        (b"\xff\xd8\xff\xd9", "it breaks off"),
        (b"\xff\xd8 no mark \xff\xd9", "it breaks off"),
        (b"\x89PNG\r\n\x1a\n", "it breaks off"),
    ],
)
def test_other_content_is_refused_with_its_reason(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "img1.jpg"
    path.write_bytes(content)
    assert frame_problem(str(path)) == problem
    with pytest.raises(MerError, match=rf"img1\.jpg \({problem}\)"):
        read_frame(str(path))


@pytest.mark.parametrize(
    "content", [b"\xff\xd8\xff\xda no data \xff\xd9", b"\x89PNG\r\n\x1a\nIEND\xaeB`\x82", b"BM" + bytes(60)]
)
def test_file_that_only_looks_whole_is_refused_when_it_is_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "img1.jpg").write_bytes(content)
    assert frame_problem(str(tmp_path / "img1.jpg")) == ""
    with pytest.raises(MerError, match=r"a readable frame; got .*img1\.jpg; copy it again"):
        read_frame(str(tmp_path / "img1.jpg"))


def test_image_of_a_size_beyond_all_bounds_is_refused(tmp_path: Path, frame: Frame) -> None:
    whole = encoded(frame, ".bmp")
    (tmp_path / "img1.bmp").write_bytes(whole[:18] + (2**31 - 1).to_bytes(4, "little") * 2 + whole[26:])
    with pytest.raises(MerError, match="a readable frame"):
        read_frame(str(tmp_path / "img1.bmp"))


@pytest.mark.parametrize("read", [read_frame, frame_state])
def test_file_that_is_missing_or_a_folder_is_refused(tmp_path: Path, read: Callable[[str], object]) -> None:
    assert frame_problem(str(tmp_path / "img1.jpg")) == "No such file or directory"
    with pytest.raises(MerError, match=r"a readable frame; got .*img1\.jpg; copy it again"):
        read(str(tmp_path / "img1.jpg"))
    (tmp_path / "img2.jpg").mkdir()
    assert frame_problem(str(tmp_path / "img2.jpg")) == "Is a directory"
    with pytest.raises(MerError, match=r"img2\.jpg"):
        read_frame(str(tmp_path / "img2.jpg"))


@pytest.mark.parametrize("video_name", ["film.mp4", "a film.AVI", "表情.mov", "a#frame=3.mov", "two\nlines.mp4"])
def test_name_of_a_videos_frame_is_split_as_it_was_made(video_name: str) -> None:
    assert split_frame_name(video_frame_name(video_name, 17)) == (video_name, 17)


@pytest.mark.parametrize(
    "name", ["img1.jpg", "film.mp4", "img#frame=3", "a.mp4#frame=3/img1.jpg", "a.mp4#frame=\uff13"]
)
def test_other_names_are_files(name: str) -> None:
    assert split_frame_name(name) == (name, None)


def test_each_frame_of_a_video_is_the_one_decoded_in_order(video: tuple[Path, list[Frame]]) -> None:
    path, frames = video
    assert count_video_frames(path) == len(frames) == 12
    for index in (0, 1, 5, 11):
        np.testing.assert_array_equal(read_frame(video_frame_name(path, index)), frames[index])


def test_some_frames_of_a_video_are_read_in_one_go(video: tuple[Path, list[Frame]]) -> None:
    path, frames = video
    wanted = [2, 3, 7, 11]
    names = [video_frame_name(path, index) for index in wanted]
    for index, name, (told, image) in zip(
        wanted, names, map_frames(lambda name, image: (name, image), names), strict=True
    ):
        assert told == name
        np.testing.assert_array_equal(image, frames[index])


def test_images_and_videos_come_back_in_the_order_asked_for(tmp_path: Path) -> None:
    films = [(tmp_path / name, write_video(tmp_path / name, "MJPG", 4)) for name in ("a.avi", "b.avi")]
    expected, names = [], []
    for number in range(40):
        image = np.full((6, 8, 3), number, np.uint8)
        cv2.imwrite(str(tmp_path / f"img{number}.png"), image)
        expected.append(image)
        names.append(str(tmp_path / f"img{number}.png"))
    for path, frames in films:
        expected[20:20] = frames
        names[20:20] = [video_frame_name(path, index) for index in range(4)]
    found = list(map_frames(lambda _, image: image, names))
    assert len(found) == 48
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_names_are_no_frames() -> None:
    assert list(map_frames(lambda name, _: name, [])) == []


def test_images_before_a_broken_one_are_still_handed_over(tmp_path: Path, frame: Frame) -> None:
    names = [str(tmp_path / f"img{number}.jpg") for number in range(3)]
    for name in names[:2]:
        Path(name).write_bytes(encoded(frame, ".jpg"))
    frames = map_frames(lambda name, _: name, names)
    assert [next(frames), next(frames)] == names[:2]
    with pytest.raises(MerError, match=r"img2\.jpg"):
        next(frames)


def test_frame_that_a_video_does_not_have_is_refused(video: tuple[Path, list[Frame]]) -> None:
    path, _ = video
    assert frame_problem(video_frame_name(path, 11)) == ""
    assert frame_problem(video_frame_name(path, 12)) == "no frame 12 in the video"
    with pytest.raises(MerError, match=r"a readable frame; got .*#frame=12; copy it again"):
        read_frame(video_frame_name(path, 12))


@pytest.mark.parametrize("indices", [[3, 2], [3, 3]])
def test_frames_of_a_video_out_of_order_are_refused_and_not_mixed_up(tmp_path: Path, indices: list[int]) -> None:
    write_video(tmp_path / "film.avi", "MJPG")
    names = [video_frame_name(tmp_path / "film.avi", index) for index in indices]
    with pytest.raises(MerError, match=f"#frame={indices[1]}"):
        list(map_frames(lambda name, _: name, names))


def test_broken_video_gives_right_frames_or_an_error(video: tuple[Path, list[Frame]]) -> None:
    path, frames = video
    whole = path.read_bytes()
    for size in range(0, len(whole), len(whole) // 9 + 1):
        path.write_bytes(whole[:size])
        for index in range(count_video_frames(path)):
            try:
                read = read_frame(video_frame_name(path, index))
            except MerError:
                continue
            np.testing.assert_array_equal(read, frames[index])


@pytest.mark.parametrize("content", [b"", b"no film", bytes(5000)])
def test_what_is_no_video_has_no_frames(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    assert count_video_frames(path) == 0
    assert np.isnan(video_fps(path))
    assert frame_problem(video_frame_name(path, 0)) == "no frame 0 in the video"
    with pytest.raises(MerError, match="a readable frame"):
        read_frame(video_frame_name(path, 0))


def test_video_that_is_missing_has_no_frames(tmp_path: Path) -> None:
    assert count_video_frames(tmp_path / "film.mp4") == 0
    with pytest.raises(MerError, match=r"got .*film\.mp4"):
        frame_state(video_frame_name(tmp_path / "film.mp4", 0))


def test_spoilt_container_cannot_name_milliards_of_frames(tmp_path: Path) -> None:
    path = tmp_path / "film.mov"
    write_video(path, "mp4v")
    spoilt = bytearray(path.read_bytes())
    samples = spoilt.index(b"stts") + 12  # name, version, number of entries; then the samples of the first entry
    assert int.from_bytes(spoilt[samples : samples + 4], "big") == 12
    spoilt[samples] ^= 0x80
    path.write_bytes(spoilt)
    assert count_video_frames(path) == 0


@pytest.mark.parametrize("fps", [25, 200])
def test_video_tells_its_frames_a_second(tmp_path: Path, fps: float) -> None:
    write_video(tmp_path / "film.avi", "MJPG", fps=fps)
    assert video_fps(tmp_path / "film.avi") == pytest.approx(fps)


def test_state_of_a_frame_tells_that_its_file_changed(tmp_path: Path) -> None:
    path = tmp_path / "img1.jpg"
    path.write_bytes(b"abc")
    os.utime(path, ns=(5, 5))
    state = frame_state(str(path))
    assert state[:3] == ("img1.jpg", 3, 5)
    assert frame_state(str(path)) == state
    os.utime(path, ns=(6, 6))
    assert frame_state(str(path)) != state


def test_frames_of_one_video_have_states_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"abc")
    states = [frame_state(video_frame_name(tmp_path / "film.mp4", index)) for index in (0, 1)]
    assert [state[0] for state in states] == ["film.mp4#frame=0", "film.mp4#frame=1"]
    assert states[0][1:] == states[1][1:]


@pytest.mark.parametrize(
    ("more", "is_whole"),
    [
        (b"\0\0\1\0free", False),
        (b"\0\0\0\1free" + (99).to_bytes(8, "big"), False),
        (b"\0\0\0\0free", True),
        (b"\0\0\0\0\0\0\0\0", True),
        (b"\0\0\0\x0cfree....", True),
    ],
)
def test_box_longer_than_its_file_means_that_the_video_breaks_off(tmp_path: Path, more: bytes, is_whole: bool) -> None:
    path = tmp_path / "film.mp4"
    write_video(path, "mp4v")
    path.write_bytes(path.read_bytes() + more)
    assert (count_video_frames(path) == 12) == is_whole
    if not is_whole:
        with pytest.raises(MerError, match=r"film\.mp4 \(it breaks off\)"):
            read_frame(video_frame_name(path, 0))
