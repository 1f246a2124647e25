"""Videos whose header lies: read, or refused in one line, in bounded memory and time."""

import resource
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mer.errors import MerError
from mer.frames import count_video_frames, video_fps
from mer.magnify import IIR, EulerianMagnifier
from mer.magnify.video import magnify_video
from mer.predict.frames import VideoFile
from tests.hostile.outcomes import fewer, in_one_line
from tests.hostile.payloads import AVI_FIELDS, MP4_FIELDS, lying, write_video
from tests.runner import run_mer

NUMBERS = (0, 1, 2, 29, 255, 65_535, 60_000, 10**6, 10**9, 2**31 - 1, 2**31, 2**32 - 1, (60_000 << 16) + 60_000)
FIELDS: Mapping[str, Mapping[str, tuple[bytes, int, str]]] = {".avi": AVI_FIELDS, ".mp4": MP4_FIELDS}
MOST_BYTES = 600 * 2**20
FRAMES = 12


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("films")
    return {ending: write_video(folder / f"film{ending}", FRAMES).read_bytes() for ending in FIELDS}


def watch(file: Path) -> None:
    """Run through a video as the first pass of `mer predict` does."""
    video = VideoFile(str(file))
    frames = 0
    for frame in video:
        frames += 1
        assert frame.image.size <= 64 * 48 * 3 * 4
    assert frames <= FRAMES


def magnified(file: Path) -> None:
    magnify_video(str(file), file.parent / "out" / "film.mp4", EulerianMagnifier(temporal=IIR()), torch.device("cpu"))


@pytest.mark.parametrize("ending", FIELDS)
@fewer(2)
@given(data=st.data())
def test_any_header_is_read_or_refused(
    ending: str, data: st.DataObject, films: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / f"film{ending}"
    film = films[ending]
    for field in data.draw(st.lists(st.sampled_from(sorted(FIELDS[ending])), min_size=1, max_size=3, unique=True)):
        value = data.draw(st.one_of(st.sampled_from(NUMBERS), st.integers(0, 2**32 - 1)))
        film = lying(film, FIELDS[ending][field], value)
    file.write_bytes(film)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    in_one_line(f"{ending[1:]} in predict", lambda: watch(file))
    in_one_line(f"{ending[1:]} in magnify", lambda: magnified(file))
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST_BYTES


@pytest.mark.parametrize("ending", FIELDS)
@fewer(2)
@given(data=st.data())
def test_any_bytes_of_a_video_are_read_or_refused(
    ending: str, data: st.DataObject, films: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / f"bytes{ending}"
    film = bytearray(films[ending][: data.draw(st.integers(0, len(films[ending])))])
    for _ in range(data.draw(st.integers(0, 4)) if film else 0):
        film[data.draw(st.integers(0, len(film) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(film)
    in_one_line(f"{ending[1:]} of any bytes", lambda: watch(file))


@pytest.mark.parametrize(
    ("ending", "lies"),
    [
        (".avi", {"scale": 10**9, "rate": 1}),
        (".avi", {"scale": 1, "rate": 10**9}),
        (".avi", {"scale": 1, "rate": 2**32 - 1}),
        (".mp4", {"ticks a second": 10**9}),
    ],
)
def test_frame_rate_that_no_camera_has_is_refused(
    ending: str, lies: dict[str, int], films: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = films[ending]
    for name, value in lies.items():
        film = lying(film, FIELDS[ending][name], value)
    (tmp_path / f"film{ending}").write_bytes(film)
    file = str(tmp_path / f"film{ending}")
    assert not video_fps(file) > 0
    for result in (run_mer(capsys, "magnify", file, f"out={tmp_path}"),):
        assert result.code == 2
        assert "none that a camera has; write the video again" in result.err.splitlines()[-1]
    with pytest.raises(MerError, match="none that a camera has"):
        VideoFile(file)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"film{ending}"]


@pytest.mark.parametrize("frames", [10**9, 2**32 - 1])
@pytest.mark.parametrize("ending", FIELDS)
def test_frames_that_the_file_cannot_hold_are_not_named(
    ending: str, frames: int, films: dict[str, bytes], tmp_path: Path
) -> None:
    file = tmp_path / f"film{ending}"
    field = "frames" if ending == ".avi" else "frames of one length"
    file.write_bytes(lying(films[ending], FIELDS[ending][field], frames))
    assert count_video_frames(file) == 0
    with file.open("r+b") as opened:  # nor where it has holes, which take no room on a disk
        opened.truncate(2 * 10**9)
    assert count_video_frames(file) == 0
