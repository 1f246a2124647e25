"""What all layouts share: the same bytes every time, a flow and landmarks that are true, a folder of one's own."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from mer.errors import MerError
from mer.synth import write_casme2
from mer.synth.casme2 import SHEET_NAME


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """A folder without camera noise, and the table of its clips."""
    out = tmp_path_factory.mktemp("clean") / "casme2"
    choices = {
        "clips_per_subject": 2,
        "duration_s": (0.025, 0.025),
        "motion_px": (0.3, 1.5),
        "noise_grey": 0.0,
        "jpeg_quality": 100,
    }
    return out, write_casme2(out, subjects=2, **choices)  # type: ignore[arg-type]


def write_smallest(out: Path, clips: int = 1, seed: int = 0) -> None:
    write_casme2(out, subjects=2, clips_per_subject=clips, duration_s=(0.015, 0.015), seed=seed, frame_size=(320, 240))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def grey(folder: Path, clip: pd.Series, frame: int) -> npt.NDArray[np.float32]:
    path = folder / "CASME2-RAW" / clip["subject"] / clip["clip"] / f"img{frame}.jpg"
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.float32)


def true_flow(folder: Path, clip: pd.Series) -> npt.NDArray[np.float32]:
    return np.load(folder / "true_flow" / clip["subject"] / f"{clip['clip']}.npy").astype(np.float32)


def true_landmarks(folder: Path, row: int) -> npt.NDArray[np.float64]:
    table = pd.read_csv(folder / "landmarks.csv")
    return np.column_stack([table.loc[row, [f"{axis}_{i}" for i in range(68)]].astype(float) for axis in "xy"])


def test_same_arguments_write_same_bytes(tmp_path: Path) -> None:
    write_smallest(tmp_path / "a")
    write_smallest(tmp_path / "b")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_other_seed_writes_other_frames_and_more_clips_leave_the_first_alone(tmp_path: Path) -> None:
    write_smallest(tmp_path / "a")
    write_smallest(tmp_path / "b", seed=1)
    write_smallest(tmp_path / "c", clips=2)
    first, other, more = (
        {digest for name, digest in digests(tmp_path / name).items() if name.endswith(".jpg")} for name in "abc"
    )
    assert len(first) == 8
    assert not first & other
    assert first < more


def test_writing_again_completes_a_folder_that_was_cut_off(tmp_path: Path) -> None:
    write_smallest(tmp_path)
    whole = digests(tmp_path)
    (tmp_path / SHEET_NAME).unlink()
    next(tmp_path.rglob("*.jpg")).unlink()
    write_smallest(tmp_path)
    assert digests(tmp_path) == whole


def test_table_is_that_of_truth_csv(clean: tuple[Path, pd.DataFrame]) -> None:
    out, clips = clean
    pd.testing.assert_frame_equal(
        pd.read_csv(out / "truth.csv", dtype={"action_units": str}), clips, check_dtype=False, check_exact=False
    )
    names = ["dataset", "subject", "clip", "onset", "apex", "offset", "action_units", "emotion", "peak_px"]
    assert list(clips.columns) == names
    assert clips["peak_px"].between(0.3, 1.5).all()
    assert clips.attrs["words"] == "dataset=casme2"


def test_true_flow_takes_the_onset_frame_to_the_apex_frame(clean: tuple[Path, pd.DataFrame]) -> None:
    out, clips = clean
    rows, columns = np.mgrid[:480, :640].astype(np.float32)
    for _, clip in clips.iterrows():
        assert np.load(out / "true_flow" / clip["subject"] / f"{clip['clip']}.npy").dtype == np.float16
        u, v = true_flow(out, clip)
        onset, apex = grey(out, clip, clip["onset"]), grey(out, clip, clip["apex"])
        back = cv2.remap(apex, columns + u, rows + v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        # Frames are rounded to whole grey levels, so only px that changed by more can tell.
        changed = (np.hypot(u, v) > 0.1) & (np.abs(apex - onset) > 2)
        assert changed.sum() > 100
        assert np.abs(back - onset)[changed].mean() < 0.3 * np.abs(apex - onset)[changed].mean()


def test_opencv_flow_agrees_with_the_true_flow(clean: tuple[Path, pd.DataFrame]) -> None:
    out, clips = clean
    clip = clips.iloc[int(clips["peak_px"].argmax())]
    flow = true_flow(out, clip)
    frames = [grey(out, clip, clip[name]).astype(np.uint8) for name in ("onset", "apex")]
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = method.calc(frames[0], frames[1], np.zeros((480, 640, 2), np.float32)).transpose(2, 0, 1)
    moved = np.hypot(*flow) > 0.3
    assert np.corrcoef(found[:, moved].ravel(), flow[:, moved].ravel())[0, 1] > 0.9


def test_landmarks_follow_the_head_of_each_clip(clean: tuple[Path, pd.DataFrame]) -> None:
    """The eyes' surroundings are darker or more varied than the cheek below; the head sits elsewhere in each clip."""
    out, clips = clean
    eyes = []
    for row, clip in clips.iterrows():
        points, frame = true_landmarks(out, int(str(row))), grey(out, clip, clip["onset"])
        for first in (36, 42):
            x, y = np.round(points[first : first + 6].mean(0)).astype(int)
            assert frame[y - 7 : y + 8, x - 12 : x + 13].std() > 1.2 * frame[y + 30 : y + 45, x - 12 : x + 13].std()
        eyes.append(points[36:48].mean(0))
    assert np.linalg.norm(eyes[0] - eyes[1]) > 0.3
    assert np.linalg.norm(eyes[0] - eyes[2]) > 5


def test_progress_counts_clips(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    progress: Callable[[int, int], None] = lambda done, total: calls.append((done, total))  # noqa: E731
    choices = {"subjects": 2, "clips_per_subject": 1, "duration_s": (0.015, 0.015), "frame_size": (160, 120)}
    write_casme2(tmp_path, progress=progress, **choices)  # type: ignore[arg-type]
    assert calls == [(1, 2), (2, 2)]


def test_argument_out_of_bounds_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for wrong in ({"subjects": 1}, {"duration_s": (0.001, 0.1)}):
        with pytest.raises(MerError):
            write_casme2(tmp_path / "out", **wrong)  # type: ignore[arg-type]
        assert not (tmp_path / "out").exists()


def test_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(MerError, match="new or empty folder"):
        write_smallest(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_folder_of_other_settings_is_refused(tmp_path: Path) -> None:
    write_smallest(tmp_path)
    with pytest.raises(MerError, match="settings"):
        write_smallest(tmp_path, seed=5)


def test_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(MerError, match="to be a folder"):
        write_smallest(tmp_path / "out")
