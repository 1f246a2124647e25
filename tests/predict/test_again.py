"""A finished prediction is not made again; one of other bytes, another model or other settings is."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mer.export import load_model
from mer.predict.again import finished_lines, model_digest, prediction_key
from mer.predict.outputs import choose_outputs
from tests.predict.command import predict
from tests.predict.faces import Bump, stream, write_video


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> str:
    images = stream([Bump(0.7, px=3.0)], fps=25, duration_s=1.4).images
    return write_video(tmp_path_factory.mktemp("video") / "talk.avi", images, 25.0)


def test_finished_video_is_not_predicted_again_until_something_is_another(
    capsys: pytest.CaptureFixture[str], model_file: Path, video: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = (video, f"model={model_file}", f"out={out}")
    predict(capsys, *words)
    before = {file.name: file.stat().st_mtime_ns for file in out.iterdir()}
    again = predict(capsys, *words)
    assert (again.code, again.out) == (0, f"{out / 'talk.jsonl'}: was complete\n")
    told = predict(capsys, *words, "json=true", "annotate=false")
    assert json.loads(told.out) == [[json.loads(line) for line in (out / "talk.jsonl").read_text().splitlines()]]
    moved = shutil.copy(video, tmp_path / "talk.avi")
    assert "was complete" in predict(capsys, moved, *words[1:]).out
    assert {file.name: file.stat().st_mtime_ns for file in out.iterdir()} == before
    (out / "talk.png").unlink()
    assert "1 movement" in predict(capsys, *words).out
    other = predict(capsys, *words, "sensitivity=0.6", "annotate=false", "timeline=false")
    assert "1 movement" in other.out
    # What stood there beside the lines was not of them.
    assert [file.name for file in out.iterdir()] == ["talk.jsonl"]


def test_key_tells_other_bytes_models_and_settings_apart_and_no_names(tmp_path: Path, video: str) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "1.png").write_bytes(b"one")
    (tmp_path / "copy.avi").write_bytes(Path(video).read_bytes())
    (tmp_path / "cut.avi").write_bytes(Path(video).read_bytes()[:-1])
    key = prediction_key(video, "a", {"min_s": 1})
    assert key == prediction_key(str(tmp_path / "copy.avi"), "a", {"min_s": 1})
    others = [
        prediction_key(str(tmp_path / "cut.avi"), "a", {"min_s": 1}),
        prediction_key(video, "b", {"min_s": 1}),
        prediction_key(video, "a", {"min_s": 2}),
        prediction_key(str(tmp_path / "frames"), "a", {"min_s": 1}),
    ]
    (tmp_path / "frames" / "1.png").rename(tmp_path / "frames" / "2.png")
    others.append(prediction_key(str(tmp_path / "frames"), "a", {"min_s": 1}))
    (tmp_path / "frames" / "2.png").write_bytes(b"two")
    others.append(prediction_key(str(tmp_path / "frames"), "a", {"min_s": 1}))
    assert len({key, *others}) == 7


def test_model_is_another_one_by_a_weight_or_what_decides_its_use(model_file: Path) -> None:
    released = load_model(model_file)
    digests = {model_digest(released), model_digest(replace(released, temperature=9.0))}
    assert model_digest(load_model(model_file)) in digests
    parameter = next(released.nets[-1].parameters())
    parameter.view(-1)[0] += 1
    assert len(digests | {model_digest(released)}) == 3


@pytest.mark.parametrize("text", ["", "no json\n", "[]\n", "{}\n"])
def test_lines_that_are_none_are_not_taken_for_finished(tmp_path: Path, text: str) -> None:
    (outputs,) = choose_outputs(["talk.avi"], tmp_path)
    outputs.lines.write_text(text)
    assert finished_lines(outputs, "key", []) is None
    outputs.lines.write_text('{"key": "key"}\n')
    assert finished_lines(outputs, "key", []) == [{"key": "key"}]
    assert finished_lines(outputs, "key", [outputs.video]) is None
    assert finished_lines(outputs, "other", []) is None
