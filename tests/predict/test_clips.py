"""A movement's frames become the clip that training would make of them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mer.align import EyeCrop
from mer.errors import MerError
from mer.predict import Interval
from mer.predict.clips import MovementFrames, MovementPath, PreparedMovement
from tests.predict.faces import Bump, FixedLandmarks, frames, points, untrained_model

IMAGES = frames([Bump(0.2, 0.2)], np.arange(9) / 25)
INTERVAL = Interval(0, 5, 8)


def prepared(folder: Path, *overrides: str) -> PreparedMovement:
    kept = MovementFrames("talk", INTERVAL, folder)
    for number, image in enumerate(IMAGES):
        kept.add(image, number / 25)
    model = untrained_model(*overrides)
    return MovementPath(model.settings, FixedLandmarks(), torch.device("cpu")).prepare(kept.clips(), folder)


def test_pictures_are_the_aligned_onset_and_apex_and_the_magnified_apex(tmp_path: Path) -> None:
    found = prepared(tmp_path)
    crop = EyeCrop(FixedLandmarks(), 64).transform(points(), IMAGES[0].shape[:2])
    for picture, image in ((found.onset, IMAGES[0]), (found.apex, IMAGES[5])):
        np.testing.assert_array_equal((picture * 255).round().permute(1, 2, 0).numpy(), crop.apply(image))
    away, magnified = ((one - found.onset).abs().mean() for one in (found.apex, found.magnified))
    assert magnified > 2 * away > 0
    assert 0 <= found.magnified.min() <= found.magnified.max() <= 1


def test_crop_is_that_of_the_models_settings(tmp_path: Path) -> None:
    found = prepared(tmp_path, "align.size_px=80", "align.eye_distance=0.3")
    crop = EyeCrop(FixedLandmarks(), 80, eye_distance=0.3).transform(points(), IMAGES[0].shape[:2])
    np.testing.assert_array_equal((found.onset * 255).round().permute(1, 2, 0).numpy(), crop.apply(IMAGES[0]))


def test_frames_a_second_are_those_of_the_time_stamps(tmp_path: Path) -> None:
    kept = MovementFrames("talk", Interval(7, 8, 9), tmp_path)
    for image, seconds in zip(IMAGES[:3], (1.0, 1.02, 1.05), strict=True):
        kept.add(image, seconds)
    (clip,) = kept.clips().to_dict("records")
    assert clip["fps"] == pytest.approx(2 / 0.05)
    assert (clip["onset"], clip["apex"], clip["offset"]) == (7, 8, 9)
    assert [Path(file).name for file in clip["files"]] == ["7.bmp", "8.bmp", "9.bmp"]


def test_video_that_ends_before_its_movement_is_refused(tmp_path: Path) -> None:
    kept = MovementFrames("talk", INTERVAL, tmp_path)
    kept.add(IMAGES[0], 0.0)
    with pytest.raises(MerError, match="9 frames from frame 0 on; got 1 in talk"):
        kept.clips()


def test_disk_that_takes_no_frame_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.imwrite", lambda file, image: False)
    with pytest.raises(MerError, match="set TMPDIR"):
        MovementFrames("talk", INTERVAL, tmp_path).add(IMAGES[0], 0.0)
