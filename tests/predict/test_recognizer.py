"""A movement gets the label that training's own path would give it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir

import mer
from mer.align import GivenLandmarks
from mer.errors import MerError
from mer.experiment import load_index, prepare_maps
from mer.export import ReleasedModel, write_model
from mer.frames import read_frame
from mer.hydra_app import conf_dir
from mer.predict import Interval, Recognizer, SpotSettings, landmark_source
from mer.synth import write_casme2
from mer.trained import load_run
from tests.fakes.trained import write_trained_run
from tests.predict.faces import Bump, FixedLandmarks, Stream, frames, stream, untrained_model

SMALL = (
    "experiment=demo",
    "align.size_px=64",
    "model.depth=1",
    "model.widths=[4]",
    "trainer.accelerator=cpu",
    "name=x",
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clips") / "casme2"
    write_casme2(root, subjects=2, clips_per_subject=1, duration_s=(0.02, 0.02), frame_size=(320, 240))
    return root


@pytest.mark.parametrize(
    "more", [(), ("features=rgb_uveps", "features.size=28", "magnify=phase")], ids=["flow", "apex"]
)
def test_label_of_a_training_clip_is_that_of_trainings_path(clips: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", [*SMALL, f"dataset.root={clips}", f"store={tmp_path}", *more])
    index, maps = prepare_maps(cfg, load_index(cfg))
    model = untrained_model("align=given", "dataset.root=x", *more)
    logits = torch.stack([net(*model.features(maps)) for net in model.nets])
    expected = (logits / model.temperature).softmax(-1).mean(0)
    given = GivenLandmarks(clips / "landmarks.csv")
    for row, (_, clip) in enumerate(index.clips.iterrows()):
        source = FixedLandmarks(points_px=given.find([], [clip])[0].points_px)  # type: ignore[union-attr]
        interval = Interval(0, int(clip["apex"] - clip["onset"]), int(clip["offset"] - clip["onset"]))
        read = [read_frame(name) for name in clip["files"]]
        (found,) = Recognizer(model, source, device="cpu").recognise(read, clip["fps"], [interval])
        np.testing.assert_allclose(list(found.probabilities.values()), expected[row].numpy(), atol=2e-6)
        assert found.label == model.classes[int(expected[row].argmax())]
    assert (expected[0] - expected[1]).abs().max() > 1e-4  # or equal inputs would do


def test_frames_in_movements_out() -> None:
    model = untrained_model()
    recognizer = Recognizer(model, FixedLandmarks(), SpotSettings(window_s=2.0), device="cpu")
    video = stream([Bump(1.2)], fps=25, duration_s=2.4)
    found = recognizer(video.images, 25.0)
    (movement,) = found.movements
    assert movement.onset_frame < movement.apex_frame <= movement.offset_frame
    assert movement.apex_s == pytest.approx(movement.apex_frame / 25)
    assert set(movement.probabilities) == set(model.classes)
    assert sum(movement.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert movement.label == max(movement.probabilities, key=movement.probabilities.__getitem__)
    left, top, right, bottom = movement.box_px or (0, 0, 0, 0)
    assert 0 < left < right < 180
    assert 0 < top < bottom < 200
    assert found.watched_s == pytest.approx(2.4 - 0.6, abs=0.15)
    assert found.refused == ()
    # The same movement, given: the same label.
    interval = Interval(movement.onset_frame, movement.apex_frame, movement.offset_frame)
    (given,) = recognizer.recognise(video.images, 25.0, [interval])
    assert given.probabilities == movement.probabilities


def test_movement_without_a_face_on_its_onset_frame_gets_no_label() -> None:
    class OnceOnly(FixedLandmarks):
        def find(self, onsets, clips):  # type: ignore[no-untyped-def]
            found = super().find(onsets, clips)
            return found if len(self.asked) <= 2 else [MerError("a face", "none", "look elsewhere") for _ in found]

    recognizer = Recognizer(untrained_model(), OnceOnly(), SpotSettings(window_s=2.0), device="cpu")
    found = recognizer(stream([Bump(1.2)], fps=25, duration_s=2.0).images, 25.0)
    assert found.movements == ()
    (refused,) = found.refused
    assert "expected a face" in refused.reason
    with pytest.raises(MerError, match="expected a face"):
        recognizer.recognise(frames([], np.arange(6) / 25), 25.0, [Interval(0, 2, 5)])


def test_intervals_outside_of_the_frames_are_refused() -> None:
    recognizer = Recognizer(untrained_model(), FixedLandmarks(), device="cpu")
    images = frames([], np.arange(6) / 25)
    for interval in [(0, 0, 3), (2, 1, 3), (0, 2, 9), (-1, 2, 3), (0, 3, 2)]:
        with pytest.raises(MerError, match="onset < apex <= offset < 6"):
            recognizer.recognise(images, 25.0, [Interval(*interval)])


def test_overlapping_intervals_are_labelled_in_the_order_given() -> None:
    recognizer = Recognizer(untrained_model(), FixedLandmarks(), device="cpu")
    images = frames([Bump(0.2, 0.2)], np.arange(10) / 25)
    wanted = [Interval(3, 5, 8), Interval(0, 4, 6), Interval(3, 5, 8)]
    found = recognizer.recognise(images, 25.0, wanted)
    assert [(one.onset_frame, one.apex_frame, one.offset_frame) for one in found] == [tuple(one) for one in wanted]


def test_frames_of_a_movement_are_gone_from_the_disk_once_it_is_labelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    recognizer = Recognizer(untrained_model(), FixedLandmarks(), device="cpu")
    wanted = [Interval(0, 2, 3), Interval(5, 6, 7), Interval(9, 10, 11)]
    video = Stream(frames([], np.arange(12) / 25), np.arange(12) / 25)
    kept = [len(list(tmp_path.iterdir())) for _ in recognizer._prepared(video, wanted)]
    assert kept == [1, 1, 1]
    assert list(tmp_path.iterdir()) == []


def test_models_that_saw_no_aligned_faces_are_refused() -> None:
    with pytest.raises(MerError, match="clips of frames"):
        Recognizer(untrained_model(dataset="FlowImages"), FixedLandmarks(), device="cpu")
    with pytest.raises(MerError, match="crops by the eyes"):
        Recognizer(untrained_model("align=none"), FixedLandmarks(), device="cpu")


def test_file_and_run_make_the_same_recognizer(tmp_path: Path) -> None:
    run = write_trained_run(tmp_path / "run")
    write_model(ReleasedModel.from_run(load_run(run)), tmp_path / "model.safetensors")
    images = frames([Bump(0.2, 0.2)], np.arange(8) / 25)
    labelled = [
        Recognizer.load(path, FixedLandmarks(), device="cpu").recognise(images, 25.0, [Interval(0, 5, 7)])[0]
        for path in (run, tmp_path / "model.safetensors")
    ]
    assert labelled[0].probabilities == labelled[1].probabilities
    with pytest.raises(MerError, match="no file"):
        Recognizer.load(tmp_path / "nosuch", FixedLandmarks())


def test_landmarks_are_chosen_by_the_names_of_align() -> None:
    assert type(landmark_source("fan")).__name__ == "FanLandmarks"
    assert type(landmark_source("dlib")).__name__ == "DlibLandmarks"
    with pytest.raises(MerError, match="landmarks to be one of dlib, fan"):
        landmark_source("given")


def test_importing_mer_stays_light_and_gives_the_recognizer() -> None:
    code = "import sys, mer; print('torch' in sys.modules, dir(mer))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("False")
    assert mer.Recognizer is Recognizer
    with pytest.raises(ImportError):
        exec("from mer import nothing")
