"""write_casme2 writes CASME II's layout, the same bytes every time, with a flow that is true."""

import hashlib
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import openpyxl
import pandas as pd
import pytest

from mer.errors import MerError
from mer.synth import write_casme2
from mer.synth.casme2 import EMOTIONS, emotion_order
from mer.synth.sheet import HEADER, SHEET_NAME


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """A folder without camera noise, and the table of its clips."""
    out = tmp_path_factory.mktemp("clean") / "casme2"
    return out, write_casme2(out, subjects=2, clips_per_subject=2, frames=6, noise_grey=0.0)


def write_smallest(out: Path, clips: int = 1, seed: int = 0) -> None:
    write_casme2(out, subjects=2, clips_per_subject=clips, frames=4, seed=seed)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def grey(folder: Path, clip: pd.Series, frame: int) -> npt.NDArray[np.float32]:
    path = folder / "CASME2-RAW" / clip["subject"] / clip["clip"] / f"img{frame}.jpg"
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.float32)


def true_landmarks(folder: Path, row: int) -> npt.NDArray[np.float64]:
    table = pd.read_csv(folder / "landmarks.csv")
    return np.column_stack([table.loc[row, [f"{axis}_{i}" for i in range(68)]].astype(float) for axis in "xy"])


def test_same_arguments_write_same_bytes(tmp_path: Path) -> None:
    write_smallest(tmp_path / "a")
    write_smallest(tmp_path / "b")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_workbook_holds_no_time_of_writing(clean: tuple[Path, pd.DataFrame]) -> None:
    with zipfile.ZipFile(clean[0] / SHEET_NAME) as book:
        assert {entry.date_time[0] for entry in book.infolist()} == {2014}
        assert set(re.findall(rb"\d{4}-\d\d-\d\dT", book.read("docProps/core.xml"))) == {b"2014-05-08T"}


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


def test_sheet_has_the_distributed_layout(clean: tuple[Path, pd.DataFrame]) -> None:
    out, clips = clean
    book = openpyxl.load_workbook(out / SHEET_NAME)
    rows = list(book["Sheet1"].iter_rows(values_only=True))
    assert book.sheetnames == ["Sheet1", "Sheet2", "Sheet3"]
    assert rows[0] == HEADER
    assert [row[0] for row in rows[1:]] == ["01", "01", "02", "02"]
    assert [row[1] for row in rows[1:]] == ["EP01_01f", "EP01_02f"] * 2
    assert [row[3:6] for row in rows[1:]] == [tuple(row) for row in clips[["onset", "apex", "offset"]].values]
    assert all(row[8] in EMOTIONS for row in rows[1:])
    assert all(isinstance(row[7], str if "+" in str(row[7]) else int) for row in rows[1:])


def test_frames_are_numbered_as_in_the_sheet(clean: tuple[Path, pd.DataFrame]) -> None:
    out, clips = clean
    for _, clip in clips.iterrows():
        folder = out / "CASME2-RAW" / clip["subject"] / clip["clip"]
        expected = {f"img{number}.jpg" for number in range(clip["onset"], clip["offset"] + 1)}
        assert {path.name for path in folder.iterdir()} == expected
        assert clip["onset"] < clip["apex"] < clip["offset"]
        assert grey(out, clip, clip["onset"]).shape == (480, 640)


def test_true_flow_takes_the_onset_frame_to_the_apex_frame(clean: tuple[Path, pd.DataFrame]) -> None:
    out, clips = clean
    rows, columns = np.mgrid[:480, :640].astype(np.float32)
    for _, clip in clips.iterrows():
        flow = np.load(out / "true_flow" / clip["subject"] / f"{clip['clip']}.npy")
        assert flow.dtype == np.float16
        u, v = flow.astype(np.float32)
        onset, apex = grey(out, clip, clip["onset"]), grey(out, clip, clip["apex"])
        back = cv2.remap(apex, columns + u, rows + v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        moved = np.hypot(u, v) > 0.2
        assert np.abs(back - onset)[moved].mean() < 0.5 * np.abs(apex - onset)[moved].mean()


def test_opencv_flow_agrees_with_the_true_flow(clean: tuple[Path, pd.DataFrame]) -> None:
    out, clips = clean
    clip = clips.iloc[int(clips["peak_px"].argmax())]
    flow = np.load(out / "true_flow" / clip["subject"] / f"{clip['clip']}.npy").astype(np.float32)
    frames = [grey(out, clip, clip[name]).astype(np.uint8) for name in ("onset", "apex")]
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = method.calc(frames[0], frames[1], np.zeros((480, 640, 2), np.float32)).transpose(2, 0, 1)
    moved = np.hypot(*flow) > 0.3
    assert np.corrcoef(found[:, moved].ravel(), flow[:, moved].ravel())[0, 1] > 0.9


def test_landmarks_lie_on_the_face(clean: tuple[Path, pd.DataFrame]) -> None:
    out, clips = clean
    for row, clip in clips.iterrows():
        points = true_landmarks(out, int(str(row)))
        smooth = cv2.GaussianBlur(grey(out, clip, clip["onset"]), (0, 0), 3)
        right_eye, left_eye = points[36:42].mean(0), points[42:48].mean(0)
        assert 95 < np.linalg.norm(left_eye - right_eye) < 125
        for eye, nostril in ((right_eye, points[31]), (left_eye, points[35])):
            cheek = (eye + nostril) / 2
            at_eye, at_cheek = (smooth[round(y), round(x)] for x, y in (eye, cheek))
            assert at_eye < 0.7 * at_cheek


def test_a_subject_shows_every_emotion_in_its_first_clips() -> None:
    orders = [emotion_order(10, np.random.default_rng(seed)) for seed in range(20)]
    assert all(set(order[:3]) == set(EMOTIONS) for order in orders)
    assert len({tuple(sorted(order)) for order in orders}) > 1


def test_progress_counts_clips(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    progress: Callable[[int, int], None] = lambda done, total: calls.append((done, total))  # noqa: E731
    write_casme2(tmp_path, subjects=2, clips_per_subject=1, frames=4, progress=progress)
    assert calls == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("subjects", 1),
        ("subjects", 100),
        ("subjects", 2.5),
        ("clips_per_subject", 0),
        ("frames", 3),
        ("seed", -1),
        ("noise_grey", -1.0),
        ("noise_grey", float("nan")),
        ("drift_px", 9.0),
        ("distractor_px", -0.1),
        ("motion_px", (1.5, 0.3)),
        ("motion_px", (0.0, 0.3)),
        ("motion_px", (0.3, 50.0)),
        ("motion_px", (0.3,)),
    ],
)
def test_argument_out_of_bounds_is_refused_before_anything_is_written(
    tmp_path: Path, argument: str, value: object
) -> None:
    with pytest.raises(MerError, match=argument):
        write_casme2(tmp_path / "out", **{argument: value})  # type: ignore[arg-type]
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
