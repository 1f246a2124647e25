"""mer magnify writes the magnified video beside the original."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.runner import run_mer


def write_video(file: Path, frames: int = 12, fps: float = 25.0, size: tuple[int, int] = (48, 36)) -> str:
    """A soft spot that wanders, by half a px a frame."""
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    for number in range(frames):
        spot = np.exp(-((columns - 20 - number / 2) ** 2 + (rows - 18) ** 2) / 60)
        writer.write(np.repeat((60 + 120 * spot).astype(np.uint8)[..., None], 3, axis=2))
    writer.release()
    return str(file)


def read_video(file: Path) -> tuple[np.ndarray, float]:
    capture = cv2.VideoCapture(str(file))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    return np.stack(frames).astype(float), capture.get(cv2.CAP_PROP_FPS)


@pytest.fixture
def video(tmp_path: Path) -> str:
    return write_video(tmp_path / "spot.avi")


@pytest.mark.parametrize("magnify", ["evm", "evm_hz", "evm_butterworth", "evm_ideal"])
def test_original_stands_left_and_magnified_right(
    video: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], magnify: str
) -> None:
    words = ("temporal.high_hz=10",) if magnify == "evm_hz" else ()
    result = run_mer(capsys, "magnify", video, f"magnify={magnify}", "alpha=10", *words, f"out={tmp_path / 'out'}")
    assert result.code == 0, result.err
    assert len(result.out.strip().splitlines()) == 1
    assert "12 frames of 48x36 at 25 fps" in result.out
    written, fps = read_video(tmp_path / "out" / "spot_magnified.mp4")
    original, _ = read_video(Path(video))
    assert (written.shape, fps) == ((12, 36, 96, 3), 25.0)
    assert np.abs(written[:, :, :48] - original).mean() < 4
    assert np.abs(written[6, :, 48:] - original[6]).mean() > 1.5 * np.abs(written[6, :, :48] - original[6]).mean()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["spot_magnified.mp4"]


def test_several_videos_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    videos = [write_video(tmp_path / name, size=(40, 31)) for name in ("a.avi", "b b=1.avi")]
    result = run_mer(capsys, "magnify", *videos, "alpha=5", f"out={tmp_path}", "json=true")
    told = json.loads(result.out)
    assert [one["frames"] for one in told] == [12, 12]
    assert 0 <= told[0]["beyond_bound"] <= 1
    assert all(Path(one["file"]).is_file() for one in told)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    result = run_mer(capsys, "magnify", *words)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.strip().splitlines()) == 1
    return result.err


def test_no_video_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected a video; got none" in refused(capsys, "alpha=20")


def test_missing_video_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "got no file nosuch.mp4" in refused(capsys, "nosuch.mp4", f"out={tmp_path}")


def test_file_of_another_kind_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert "expected a video (.mp4, .avi, .mov)" in refused(capsys, str(tmp_path / "notes.txt"), f"out={tmp_path}")


def test_video_without_frames_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    assert "expected frames; got none" in refused(capsys, str(tmp_path / "empty.mp4"), f"out={tmp_path}")


def test_two_videos_of_one_name_are_refused(video: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "videos of different names" in refused(capsys, video, video)


def test_a_video_too_large_for_memory_is_refused(
    video: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    memory = ("memory_gb=0.0012", f"out={tmp_path}")
    assert "memory_gb" in refused(capsys, video, "magnify=evm_ideal", *memory)
    assert run_mer(capsys, "magnify", video, *memory).code == 0


def test_a_rate_too_low_for_the_filter_is_refused(
    video: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "33.2 frames a second" in refused(capsys, video, "magnify=evm_hz", f"out={tmp_path}")
    assert run_mer(capsys, "magnify", video, "magnify=evm_hz", "temporal.fps=200", f"out={tmp_path}").code == 0
