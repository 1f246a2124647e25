"""2D-FAN on weights of the right shape drawn at random: as the package face-alignment runs it, batched over clips."""

import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from torch import Tensor

import mer.align.faces as faces_module
import mer.align.fan as fan_module
from mer.align import FanLandmarks, FoundLandmarks
from mer.align.fan import face_frames, heatmap_points, torch_device
from mer.errors import MerError
from mer.predict import landmark_source

Image = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float64]

CLIP = pd.Series({"dataset": "casme2", "subject": "sub01", "clip": "EP01_01f", "onset": 1})
ONE_FACE = np.array([[40.3, 30.1, 100.9, 110.2]])


class FixedFaces:
    """The same boxes on every image; none on a black one."""

    reference_scale = 195.0

    def __init__(self, boxes: Boxes = ONE_FACE) -> None:
        self.fixed = boxes

    def boxes(self, images: Sequence[Image]) -> list[Boxes]:
        return [self.fixed if image.any() else np.zeros((0, 4)) for image in images]

    def state(self) -> Any:
        return "fixed"


def peak_network(batches: list[int]) -> Callable[[Tensor], list[Tensor]]:
    """A stand-in for 2D-FAN: all heatmaps peak at the crop's brightest spot. Notes the batches it is given."""

    def network(crops: Tensor) -> list[Tensor]:
        batches.append(len(crops))
        bright = torch.nn.functional.avg_pool2d(crops.mean(dim=1, keepdim=True), 4)
        return [torch.zeros(1), bright.expand(-1, 68, -1, -1).clone()]

    return network


def image(seed: int = 0, size: tuple[int, int] = (120, 160)) -> Image:
    return np.random.default_rng(seed).integers(1, 256, (*size, 3), np.uint8)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Torch's home with weights of 2D-FAN and of S3FD, as the package looks for them; S3FD's finds one large box."""
    models = pytest.importorskip("face_alignment.models")
    from face_alignment.detection.sfd.net_s3fd import s3fd

    folder = tmp_path_factory.mktemp("torch") / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    torch.save(models.FAN(4).state_dict(), folder / "2DFAN4-11f355bf06.pth.tar")
    detector = s3fd()
    with torch.no_grad():
        for name, layer in detector.named_modules():
            if name.endswith("_conf"):
                layer.weight.zero_()
                layer.bias.zero_()
                layer.bias[-1] = 5 if name.startswith("conv7_2") else -20
    torch.save(detector.state_dict(), folder / "s3fd-619a316812.pth")
    return folder


@pytest.fixture
def package(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package, which finds these weights; without its compiler, that takes longer than it saves here."""
    import face_alignment
    from face_alignment import utils

    monkeypatch.setenv("TORCH_HOME", str(checkpoints.parents[1]))
    for name in ("_get_preds_fromhm", "transform_np"):
        monkeypatch.setattr(utils, name, getattr(utils, name).py_func)
    return face_alignment


@pytest.fixture
def fan(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[FanLandmarks, list[int]]]:
    """FanLandmarks with the stand-in network, and the sizes of the batches that go through it."""
    pytest.importorskip("face_alignment")

    def build(**settings: Any) -> tuple[FanLandmarks, list[int]]:
        landmarks, batches = FanLandmarks(device="cpu", **({"detector": FixedFaces()} | settings)), []
        monkeypatch.setitem(vars(landmarks), "_network", peak_network(batches))
        return landmarks, batches

    return build


def points_of(found: FoundLandmarks | MerError) -> npt.NDArray[np.float32]:
    assert isinstance(found, FoundLandmarks), found
    return found.points_px


@pytest.mark.parametrize("flip", [True, False])
def test_points_are_those_of_the_package(package: Any, checkpoints: Path, flip: bool) -> None:
    aligner = package.FaceAlignment(1, device="cpu", flip_input=flip, face_detector="folder", compile=False)
    ours = FanLandmarks(str(checkpoints / "2DFAN4-11f355bf06.pth.tar"), FixedFaces(), device="cpu", flip_input=flip)
    (expected,) = aligner.get_landmarks_from_image(image(), detected_faces=[ONE_FACE[0].tolist()])
    points = points_of(ours.find([image()], [CLIP])[0])
    assert len(np.unique(points, axis=0)) > 20
    np.testing.assert_allclose(points, expected, atol=1e-3)


def test_detector_and_points_together_are_those_of_the_package(package: Any, checkpoints: Path) -> None:
    frame = image(1, (128, 128))
    aligner = package.FaceAlignment(1, device="cpu", flip_input=False, face_detector="sfd", compile=False)
    weights, detector_weights = (
        str(checkpoints / name) for name in ("2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth")
    )
    ours = FanLandmarks(weights, "sfd", detector_weights, device="cpu", flip_input=False)
    expected = aligner.get_landmarks_from_image(frame)
    assert len(expected) == 1
    np.testing.assert_allclose(points_of(ours.find([frame], [CLIP])[0]), expected[0], atol=1e-3)


def test_choice_of_the_configuration_finds_both_weights_where_torch_keeps_them(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    files = []
    for module, name in ((fan_module, "FAN_WEIGHTS"), (faces_module, "S3FD_WEIGHTS")):
        published = getattr(module, name)
        there = checkpoints / published.file.name
        own = hashlib.sha256(there.read_bytes()).hexdigest()[:10]  # as if these had been published
        monkeypatch.setattr(module, name, replace(published, url=published.url.replace(published.digest, own)))
        files.append(str(there))
        os.link(there, folder / there.name.replace(published.digest, own))
    source, frame = landmark_source("fan"), image(1, (128, 128))
    expected = FanLandmarks(files[0], "sfd", files[1], device="cpu").find([frame], [CLIP])[0]
    np.testing.assert_array_equal(points_of(source.find([frame], [CLIP])[0]), points_of(expected))


@pytest.mark.parametrize("seed", range(5))
def test_heatmaps_are_read_as_the_package_reads_them(package: Any, seed: int) -> None:
    random = np.random.default_rng(seed)
    heatmaps = random.normal(size=(3, 68, 64, 64)).astype(np.float32)
    heatmaps[0, :, 1:] = -9  # maxima on the border
    heatmaps[1, :, :, :-1] = -9
    boxes = np.array([[10.3, 20.7, 80.2, 95.1], [-30.5, -20.2, 40.1, 60.3], [300.1, 200.2, 520.9, 444.4]])
    centres, scales = face_frames(boxes, 195.0)
    from face_alignment.utils import get_preds_fromhm

    expected = [
        get_preds_fromhm(heatmaps[one : one + 1].copy(), centres[one], scales[one])[1][0] for one in range(len(boxes))
    ]
    np.testing.assert_array_equal(heatmap_points(heatmaps, centres, scales), expected)


def test_region_of_a_box_is_centred_above_it_and_scaled_by_its_sides() -> None:
    centres, scales = face_frames(np.array([[10.0, 20.0, 110.0, 120.0], [0.0, 0.0, 100.0, 200.0]]), 200.0)
    np.testing.assert_allclose(centres, [(60, 70 - 12), (50, 100 - 24)])
    np.testing.assert_allclose(scales, [1, 1.5])


def test_faces_of_many_clips_go_through_the_network_together(fan: Callable[..., Any]) -> None:
    landmarks, batches = fan(batch_size=4, flip_input=False)
    frames = [image(seed, size) for seed, size in enumerate([(120, 160)] * 3 + [(130, 170)] * 3)]
    together = landmarks.find(frames, [CLIP] * 6)
    assert batches == [4, 2]
    for frame, found in zip(frames, together, strict=True):
        np.testing.assert_array_equal(points_of(found), points_of(landmarks.find([frame], [CLIP])[0]))


def test_mirrored_faces_double_the_batches(fan: Callable[..., Any]) -> None:
    landmarks, batches = fan(batch_size=4)
    landmarks.find([image()] * 3, [CLIP] * 3)
    assert batches == [3, 3]


def test_points_lie_where_the_heatmaps_peak(fan: Callable[..., Any]) -> None:
    frame = np.ones((120, 160, 3), np.uint8)
    frame[60:64, 70:74] = 255
    points = points_of(fan()[0].find([frame], [CLIP])[0])
    np.testing.assert_allclose(points, np.full((68, 2), (72, 62)), atol=3)  # a cell of the heatmap is 2.2 px


def test_largest_face_is_taken_and_said(fan: Callable[..., Any]) -> None:
    large = np.array([[20.0, 20.0, 60.0, 60.0], *ONE_FACE])
    (found,) = fan(detector=FixedFaces(large))[0].find([image()], [CLIP])
    assert found.remark == "2 faces, the largest taken"
    np.testing.assert_array_equal(found.points_px, points_of(fan()[0].find([image()], [CLIP])[0]))


def test_clip_without_a_face_is_refused_alone(fan: Callable[..., Any]) -> None:
    landmarks, batches = fan(flip_input=False)
    first, refused, last = landmarks.find([image(0), np.zeros((120, 160, 3), np.uint8), image(1)], [CLIP] * 3)
    assert str(refused) == (
        "expected a face in casme2/sub01/EP01_01f; got none on its onset frame; give its landmarks with align=given"
    )
    assert batches == [2]
    alone = [points_of(landmarks.find([image(seed)], [CLIP])[0]) for seed in (0, 1)]
    np.testing.assert_array_equal([points_of(first), points_of(last)], alone)


def test_clips_without_any_face_need_no_network(fan: Callable[..., Any]) -> None:
    landmarks, batches = fan()
    assert isinstance(landmarks.find([np.zeros((120, 160, 3), np.uint8)], [CLIP])[0], MerError)
    assert landmarks.find([], []) == []
    assert batches == []


def test_missing_weights_stop_the_run_before_faces_are_looked_for(tmp_path: Path) -> None:
    class NeverAsked(FixedFaces):
        def boxes(self, images: Sequence[Image]) -> list[Boxes]:
            raise AssertionError("faces were looked for")

    pytest.importorskip("face_alignment")
    with pytest.raises(MerError, match=r"no file .*absent\.pth; set align\.landmarks\.weights=FILE, or align=dlib"):
        FanLandmarks(str(tmp_path / "absent.pth"), NeverAsked()).find([image()], [CLIP])


def test_missing_package_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(MerError, match="2D-FAN; got face_alignment is not installed; pip install face-alignment"):
        FanLandmarks(detector=FixedFaces()).find([image()], [CLIP])


def test_state_tells_what_the_points_depend_on_and_no_more(checkpoints: Path) -> None:
    weights, detector_weights = (
        str(checkpoints / name) for name in ("2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth")
    )
    others: list[dict[str, Any]] = [
        {},
        {"weights": weights},
        {"detector": "dlib"},
        {"detector_weights": detector_weights},
        {"flip_input": False},
    ]
    states = [FanLandmarks(**settings).state(CLIP) for settings in others]
    assert all(states.count(state) == 1 for state in states)
    assert FanLandmarks(batch_size=1, device="cpu").state(CLIP) == FanLandmarks().state(CLIP)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"detector": "yolo"}, r"align\.landmarks\.detector to be one of dlib, sfd; got 'yolo'"),
        ({"detector": "dlib", "detector_weights": "a.pth"}, r"no detector_weights beside dlib's detector; got a\.pth"),
        ({"batch_size": 0}, r"align\.landmarks\.batch_size"),
        ({"device": "gpu0"}, r"a torch device; got 'gpu0'; set align\.landmarks\.device to auto, cpu or cuda"),
    ],
)
def test_setting_out_of_bounds_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(MerError, match=message):
        FanLandmarks(**settings)


def test_auto_takes_the_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, name in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert torch_device("auto").type == name
    assert torch_device("cpu").type == "cpu"
