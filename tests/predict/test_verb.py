"""mer predict on files: what it leaves, what it says, and what it refuses in one line."""

import json
from pathlib import Path

import pytest

from mer.predict import Prediction, VideoFile
from tests.predict.command import predict
from tests.predict.faces import Bump, stream, write_video
from tests.runner import run_mer


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> str:
    images = stream([Bump(1.0, px=3.0)], fps=25, duration_s=1.9).images
    return write_video(tmp_path_factory.mktemp("video") / "talk.avi", images, 25.0)


def test_video_becomes_lines_picture_and_annotated_video(
    capsys: pytest.CaptureFixture[str], model_file: Path, video: str, tmp_path: Path
) -> None:
    result = predict(capsys, video, f"model={model_file}", f"out={tmp_path / 'out'}")
    assert result.code == 0, result.err
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["talk.jsonl", "talk.mp4", "talk.png"]
    header, *movements = (json.loads(line) for line in (tmp_path / "out" / "talk.jsonl").read_text().splitlines())
    assert (header["n_frames"], header["n_movements"]) == (48, 1)
    assert header["model"]["card"]["scores"]["uf1"]["value"] > 0
    assert abs(movements[0]["apex_s"] - 1.0) < 0.09
    assert "1 movement (" in result.out
    assert "frames a second" in result.err
    again = predict(
        capsys, video, f"run={model_file.parent / 'run'}", f"out={tmp_path / 'out'}", "json=true", "annotate=false"
    )
    ((told, *found),) = json.loads(again.out)
    assert told["model"]["n_folds"] == 3
    assert found[0]["probabilities"] == movements[0]["probabilities"]


@pytest.mark.parametrize(
    ("words", "has_heat"), [((), True), (("grad_cam=false",), False)], ids=["by default", "switched off"]
)
def test_grad_cam_is_in_the_annotated_video_unless_switched_off(
    capsys: pytest.CaptureFixture[str],
    model_file: Path,
    video: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    has_heat: bool,
) -> None:
    seen: list[Prediction] = []
    monkeypatch.setattr("mer.verbs.predict.write_annotated", lambda stream, found, *more: seen.append(found))
    assert predict(capsys, video, f"model={model_file}", f"out={tmp_path}", "timeline=false", *words).code == 0
    ((movement,),) = (one.movements for one in seen)
    assert movement.pictures is not None
    assert (movement.pictures.grad_cam is not None) == has_heat


def test_damaged_video_says_how_many_frames_could_be_decoded(
    capsys: pytest.CaptureFixture[str], model_file: Path, video: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VideoFile, "expected", 60)
    result = predict(capsys, video, f"model={model_file}", f"out={tmp_path}", "timeline=false", "annotate=false")
    assert "talk: 60 frames named, 48 could be decoded" in result.err
    header = json.loads((tmp_path / "talk.jsonl").read_text().splitlines()[0])
    assert (header["n_frames"], header["n_frames_told"]) == (48, 60)


def test_blink_ratio_of_the_command_reaches_the_spotting(
    capsys: pytest.CaptureFixture[str], model_file: Path, video: str, tmp_path: Path
) -> None:
    quick = ("timeline=false", "annotate=false", "blink_ratio=7", "spot.fps=25")
    assert predict(capsys, video, f"model={model_file}", f"out={tmp_path}", *quick).code == 0
    told = json.loads((tmp_path / "talk.jsonl").read_text().splitlines()[0])["spotting"]
    assert (told["blink_ratio"], told["fps"], told["sensitivity"]) == (7, 25, 0.5)


def test_one_bad_video_does_not_stop_the_others(
    capsys: pytest.CaptureFixture[str], model_file: Path, video: str, tmp_path: Path
) -> None:
    (tmp_path / "empty.mp4").touch()
    quick = ("annotate=false", "timeline=false")
    words = (str(tmp_path / "empty.mp4"), video, "nosuch.mov", f"model={model_file}", f"out={tmp_path / 'out'}")
    result = predict(capsys, *words, *quick)
    assert result.code == 2
    lines = [line for line in result.err.splitlines() if line.startswith("mer:")]
    assert len(lines) == 2
    assert "0 bytes" in lines[0]
    assert "no file nosuch.mov" in lines[1]
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["talk.jsonl"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["v.avi"], "expected model=FILE or run=DIR; got neither"),
        (["v.avi", "model=a", "run=b"], "got model and run"),
        (["v.avi", "run=nosuch"], "no folder nosuch"),
        (["v.avi", "model=nosuch"], "no file nosuch"),
        (["model=nosuch"], "expected a video; got none"),
        (["v.avi", "model=x", "sensitivity=2"], "sensitivity to be a number in [0.01, 1]"),
        (["v.avi", "model=x", "min_s=1"], "min_s < max_s"),
    ],
)
def test_bad_words_end_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], says: str
) -> None:
    result = predict(capsys, *words, f"out={tmp_path}")
    assert (result.code, result.out) == (2, "")
    assert len(result.err.strip().splitlines()) == 1
    assert says in result.err


def test_landmarks_that_look_at_no_frames_are_refused(
    capsys: pytest.CaptureFixture[str], model_file: Path, video: str, tmp_path: Path
) -> None:
    for choice in ("align=none", "align=given"):
        result = run_mer(capsys, "predict", video, f"model={model_file}", choice, f"out={tmp_path}")
        assert result.code == 2
        assert "align=fan or align=dlib" in result.err


def test_missing_weights_of_landmarks_are_said_once(
    capsys: pytest.CaptureFixture[str], model_file: Path, video: str, tmp_path: Path
) -> None:
    weights = "align.landmarks.weights=nosuch.pth"
    result = run_mer(capsys, "predict", video, "other.mp4", f"model={model_file}", weights, f"out={tmp_path}")
    assert result.code == 2
    assert len(result.err.strip().splitlines()) == 1
    assert "2D-FAN's weights" in result.err


@pytest.mark.slow
def test_real_videos_give_sensible_results(
    real_data: Path, capsys: pytest.CaptureFixture[str], model_file: Path, tmp_path: Path
) -> None:
    pytest.importorskip("dlib")
    names = ("single_face.mp4", "face_noface.mov", "no_face.mp4")
    videos = [str(real_data / "video" / name) for name in names]
    quick = ("annotate=false", "timeline=false", "align=dlib", "json=true")
    result = run_mer(capsys, "predict", *videos, f"model={model_file}", f"out={tmp_path}", *quick)
    assert result.code == 0, result.err
    single, leaves, nobody = (lines[0] for lines in json.loads(result.out))
    assert single["face_spans"][0]["first_frame"] == 0
    assert leaves["face_spans"]
    assert leaves["face_spans"][-1]["last_s"] < leaves["duration_s"] - 1
    assert (nobody["face_spans"], nobody["n_movements"]) == ([], 0)
