"""What is written is what docs/predict.md says, and stands whole beside what was there."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mer.errors import MerError
from mer.predict import Movement, Prediction, Recognizer, RefusedMovement, SpotSettings, write_lines
from mer.predict.annotate import annotated, shown_movement, write_annotated
from mer.predict.choose import Noise
from mer.predict.outputs import choose_outputs
from mer.predict.results import ModelFacts, Pictures
from mer.predict.spotting import FaceSpan, Spotting
from mer.predict.timeline import draw_timeline, highest_of_bins, plot_timeline, with_gaps
from tests.predict.faces import FAKE_CARD, FixedLandmarks, Stream, untrained_model

DOCS = Path(__file__).parents[2] / "docs" / "predict.md"
SHAPE = (90, 120)
N_FRAMES = 50


def movement(onset: int = 10, label: str = "positive") -> Movement:
    picture = np.full((16, 16, 3), 200, np.uint8)
    return Movement(
        *(onset, onset + 3, onset + 6), *(onset / 25, (onset + 3) / 25, (onset + 6) / 25), (20.0, 10.0, 60.0, 70.0),
        7.5, label, {"negative": 0.2, "positive": 0.5, "surprise": 0.3}, Pictures(picture, picture),
    )  # fmt: skip


def prediction(*movements: Movement) -> Prediction:
    seconds = np.arange(N_FRAMES) / 25
    boxes = np.tile(np.array([20, 10, 60, 70], np.float32), (N_FRAMES, 1))
    curve = np.linspace(0.1, 0.2, 30).astype(np.float32)
    spotting = Spotting(seconds, boxes, seconds[10:40], curve, Noise(0.1, 0.02), 0.22, (), (), SHAPE)
    model = ModelFacts("m.safetensors", ("negative", "positive", "surprise"), 2, 1.5, FAKE_CARD)
    return Prediction(
        "talk", "in/talk.mp4", N_FRAMES, N_FRAMES, 25.0, 1.96, SHAPE[1], SHAPE[0], (FaceSpan(0, 49, 0.0, 1.96),), 1.2,
        ("2 faces",), movements or (movement(),), (RefusedMovement(1, 2, 3, "no face"),), spotting, SpotSettings(),
        model,
    )  # fmt: skip


def of_size(width: int, height: int, *movements: Movement) -> Prediction:
    """The prediction of a video of other frames."""
    return replace(prediction(*movements), width_px=width, height_px=height)


KINDS = {"text": str, "number": (int, float), "whole number": int, "list": list, "object": dict}


def documented(kind: str) -> dict[str, str]:
    """Field -> kind of value, from the table of docs/predict.md below the heading of this type."""
    section = DOCS.read_text().split(f"### `{kind}`")[1].split("###")[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([a-z ]+?) \|", section, re.MULTILINE))


def is_of(value: Any, kind: str) -> bool:
    if value is None:
        return kind.endswith(" or null")
    return isinstance(value, KINDS[kind.removesuffix(" or null")]) and not isinstance(value, bool)


def test_lines_are_as_documented(tmp_path: Path) -> None:
    write_lines(prediction(), tmp_path / "talk.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "talk.jsonl").read_text().splitlines()]
    assert [line["type"] for line in lines] == ["header", "movement", "refused"]
    for line in lines:
        fields = documented(line["type"])
        assert list(fields) == list(line), line["type"]
        for name, value in line.items():
            assert is_of(value, fields[name]), (line["type"], name, value)
    assert lines[0]["model"]["card"] == FAKE_CARD
    assert any("no lie detector" in sentence for sentence in lines[0]["caution"])
    assert lines[1]["probabilities"]["positive"] == 0.5


def test_one_frame_has_no_rate_and_is_written_all_the_same(tmp_path: Path) -> None:
    recognizer = Recognizer(untrained_model(), FixedLandmarks(), device="cpu")
    found = recognizer([np.full((90, 120, 3), 99, np.uint8)], 25.0)
    write_lines(found, tmp_path / "one.jsonl")
    plot_timeline(found, tmp_path / "one.png")
    header = json.loads((tmp_path / "one.jsonl").read_text())
    assert (header["n_frames"], header["fps"], header["watched_s"]) == (1, None, 0.0)


def test_annotated_video_has_every_frame_and_a_strip_below(tmp_path: Path) -> None:
    images = [np.full((*SHAPE, 3), 90, np.uint8)] * N_FRAMES
    file = tmp_path / "talk.mp4"
    write_annotated(Stream(images, np.arange(N_FRAMES) / 25), prediction(), file)
    capture = cv2.VideoCapture(str(file))
    read = []
    while (one := capture.read())[0]:
        read.append(one[1])
    assert (len(read), capture.get(cv2.CAP_PROP_FPS)) == (N_FRAMES, 25.0)
    assert read[0].shape[1] == SHAPE[1]
    assert read[0].shape[0] > SHAPE[0]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("fps", "expected"), [(40.0, 40.0), (float("nan"), 25.0)], ids=["its own", "as the file says"])
def test_annotated_video_plays_at_the_videos_rate(fps: float, expected: float, tmp_path: Path) -> None:
    images = [np.full((*SHAPE, 3), 90, np.uint8)] * 4
    write_annotated(Stream(images, np.arange(4) / 25), replace(prediction(), fps=fps), tmp_path / "talk.mp4")
    assert cv2.VideoCapture(str(tmp_path / "talk.mp4")).get(cv2.CAP_PROP_FPS) == expected


def test_box_changes_colour_in_a_movement_and_label_stays_a_second() -> None:
    image = np.full((300, 400, 3), 90, np.uint8)
    told = of_size(400, 300)
    corner = (70, 40)  # on the box's lower edge
    colours = {index: tuple(int(value) for value in annotated(image, index, told)[corner]) for index in (5, 12, 20)}
    assert colours[5] == colours[20] != colours[12]
    one = movement()
    assert shown_movement([one], 0.39) is None
    assert shown_movement([one], one.onset_s) is one
    assert shown_movement([one], one.onset_s + 0.99) is one
    assert shown_movement([one], one.onset_s + 1.01) is None
    later = movement(20)
    assert shown_movement([one, later], later.onset_s) is later


def test_magnified_picture_stands_in_the_strip() -> None:
    image, told = np.full((300, 400, 3), 90, np.uint8), of_size(400, 300)
    assert (annotated(image, 12, told)[-1, -1] == 200).all()
    assert (annotated(image, 5, told)[-1, -1] != 200).any()


@pytest.mark.parametrize(
    ("box", "at_bottom"),
    [((20.0, 60.0, 60.0, 90.0), False), ((20.0, 5.0, 60.0, 200.0), True), ((20.0, 5.0, 60.0, 290.0), False)],
    ids=["room above the face", "room below alone", "no room"],
)
def test_label_stands_where_the_face_is_not(box: tuple[float, float, float, float], at_bottom: bool) -> None:
    image = np.full((300, 400, 3), 90, np.uint8)
    told = of_size(400, 300, replace(movement(), box_px=box))
    frame = annotated(image, 12, told)[:300].copy()
    frame[:, :65] = 90  # without the box
    written = np.flatnonzero((frame != 90).any(axis=(1, 2)))
    assert (written.min() > 150) == at_bottom
    assert (written.max() < 150) != at_bottom


def test_label_of_a_face_in_colour_keeps_its_colours_and_curve_moves_with_the_frame() -> None:
    image = np.zeros((300, 400, 3), np.uint8)
    image[..., 0] = 200
    told = of_size(400, 300)
    frames = [annotated(image, index, told) for index in (15, 35)]
    assert frames[0][200, 200].tolist() == [0, 0, 200]  # BGR
    below = [frame[300:, :256] for frame in frames]
    tops = [np.flatnonzero((one == 255).all(axis=-1).any(axis=0)) for one in below]
    assert tops[0].min() > tops[1].min()  # what is past wanders to the left
    # The curve rises from .1 to .2 px, below the threshold of .22.
    rows = [np.flatnonzero((below[0] == 255).all(axis=-1)[:, column]).mean() for column in (tops[0][0], tops[0][-1])]
    threshold = np.flatnonzero((below[0][:, 2] == 150).all(axis=-1)).mean()
    assert threshold < rows[1] < rows[0]


def test_killed_annotation_leaves_no_file(tmp_path: Path) -> None:
    class Broken(Stream):
        def __iter__(self):  # type: ignore[no-untyped-def]
            yield from list(super().__iter__())[:2]
            raise KeyboardInterrupt

    images = [np.full((*SHAPE, 3), 90, np.uint8)] * 4
    with pytest.raises(KeyboardInterrupt):
        write_annotated(Broken(images, np.arange(4) / 25), prediction(), tmp_path / "talk.mp4")
    assert list(tmp_path.iterdir()) == []


def test_no_peak_is_lost_where_the_timeline_is_thinned() -> None:
    seconds, values = np.arange(10_000) / 10, np.zeros(10_000, np.float32)
    values[[17, 5003]] = 2, 3
    thin_s, thin = highest_of_bins(seconds, values, 100)
    assert len(thin) == 100
    assert sorted(thin)[-2:] == [2, 3]
    assert thin_s[thin.argmax()] == 500.3
    assert highest_of_bins(seconds[:50], values[:50], 100)[1] is not None


def test_line_of_the_timeline_breaks_where_nothing_was_watched() -> None:
    seconds = np.array([0, 0.1, 0.2, 2.0, 2.1])
    told_s, told = with_gaps(seconds, np.ones(5, np.float32))
    assert np.flatnonzero(np.isnan(told_s)).tolist() == [3]
    assert np.flatnonzero(np.isnan(told)).tolist() == [3]


def test_timeline_of_an_hour_has_no_more_parts_than_that_of_a_minute() -> None:
    many = [movement(onset) for onset in range(0, 30000, 10)]
    hour = replace(prediction(*many), duration_s=1200.0, face_spans=(FaceSpan(0, 49, 0.0, 1.96),) * 3000)
    (axes,) = draw_timeline(hour).axes
    assert len(axes.get_children()) < 40
    assert axes.get_xlim() == (0, 1200)
    assert [len(one.get_paths()) for one in axes.collections] == [3000, 0, 3000, 0]


def test_each_of_a_few_movements_has_its_label_at_its_apex() -> None:
    (axes,) = draw_timeline(prediction(movement(10), movement(30, "negative"))).axes
    assert [(one.get_text(), one.xy[0]) for one in axes.texts] == [("positive 0.50", 0.52), ("negative 0.20", 1.32)]
    spans = [one.get_paths()[0].get_extents() for one in axes.collections if len(one.get_paths())]
    assert [(span.x0, span.x1) for span in spans] == [(0, 1.96), (1.2, 1.44), (0.4, 0.64)]


def test_timeline_is_a_picture(tmp_path: Path) -> None:
    plot_timeline(prediction(), tmp_path / "talk.png")
    assert cv2.imread(str(tmp_path / "talk.png")) is not None
    assert len(list(tmp_path.iterdir())) == 1


def test_outputs_never_take_the_place_of_what_no_prediction_wrote(tmp_path: Path) -> None:
    video = tmp_path / "talk.mp4"
    video.write_bytes(b"the original")
    with pytest.raises(MerError, match="which no prediction wrote"):
        choose_outputs([str(video)], tmp_path)
    out = tmp_path / "out"
    (one,) = choose_outputs([str(video)], out)
    assert [file.name for file in one.files] == ["talk.jsonl", "talk.mp4", "talk.png"]
    write_lines(prediction(), one.lines)
    one.video.write_bytes(b"annotated before")
    assert choose_outputs([str(video)], out) == [one]
    for foreign in ('{"type": "something else"}', '{"type": "header", "columns": []}', "[]", "no JSON"):
        one.lines.write_text(f"{foreign}\n")
        with pytest.raises(MerError, match="which no prediction wrote"):
            choose_outputs([str(video)], out)


def test_videos_of_one_name_need_folders_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(MerError, match="different names"):
        choose_outputs(["a/talk.mp4", "b/talk.avi"], tmp_path)
    with pytest.raises(MerError, match="expected a video; got none"):
        choose_outputs([], tmp_path)
