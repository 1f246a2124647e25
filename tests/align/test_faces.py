"""Face boxes: S3FD as the package face-alignment runs it, and the largest of them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from mer.align.faces import DlibFaces, SfdFaces, largest_face
from mer.errors import MerError

Image = npt.NDArray[np.uint8]
SaveSfd = Callable[[Path], str]


def images(*sizes: tuple[int, int]) -> list[Image]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*size, 3), np.uint8) for size in sizes]


def save_sfd(file: Path, face_bias: float = 0.0) -> str:
    """Weights of S3FD's shape, drawn at random; the lower ``face_bias``, the fewer boxes."""
    from face_alignment.detection.sfd.net_s3fd import s3fd

    torch.manual_seed(0)
    network = s3fd()
    with torch.no_grad():
        for name, layer in network.named_modules():
            if name.endswith("_conf"):
                layer.weight *= 10  # confidences that differ from place to place
                layer.bias[-1] += face_bias
    torch.save(network.state_dict(), file)
    return str(file)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("face_alignment")
    return save_sfd(tmp_path_factory.mktemp("sfd") / "s3fd.pth")


def library_boxes(weights: str, image: Image) -> npt.NDArray[np.float64]:
    from face_alignment.detection.sfd.sfd_detector import SFDDetector

    found = SFDDetector("cpu", weights).detect_from_image(image)
    return np.array([box[:4] for box in found]).reshape(-1, 4)


def test_boxes_are_those_of_the_package(weights: str) -> None:
    (image,) = images((96, 128))
    expected = library_boxes(weights, image)
    assert len(expected) > 3
    np.testing.assert_allclose(SfdFaces(weights).boxes([image])[0], expected, rtol=1e-4, atol=1e-3)


def test_boxes_of_images_of_several_sizes_are_those_of_each_alone(weights: str) -> None:
    several = images((96, 128), (96, 128), (64, 64), (96, 128))
    detector = SfdFaces(weights)
    together = detector.boxes(several)
    assert len(together) == 4
    for image, boxes in zip(several, together, strict=True):
        np.testing.assert_allclose(boxes, detector.boxes([image])[0], rtol=1e-4, atol=1e-3)


def test_images_of_one_size_go_through_the_network_together(weights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    detector, shapes = SfdFaces(weights), []
    network = detector._network

    def watch(batch: torch.Tensor) -> Any:
        shapes.append(tuple(batch.shape))
        return network(batch)

    monkeypatch.setitem(vars(detector), "_network", watch)
    monkeypatch.setattr("mer.align.faces._PIXELS_AT_ONCE", 2 * 64 * 64)
    detector.boxes(images((64, 64), (64, 64), (64, 64), (96, 128)))
    assert shapes == [(2, 3, 64, 64), (1, 3, 64, 64), (1, 3, 96, 128)]


def test_image_without_a_face_has_no_box(tmp_path: Path) -> None:
    pytest.importorskip("face_alignment")
    detector = SfdFaces(save_sfd(tmp_path / "s3fd.pth", face_bias=-1000))
    assert [boxes.shape for boxes in detector.boxes(images((64, 64), (64, 96)))] == [(0, 4), (0, 4)]
    assert detector.boxes([]) == []


def test_global_settings_of_torch_stay(weights: str) -> None:
    before = torch.backends.cudnn.benchmark
    SfdFaces(weights).boxes(images((64, 64)))
    assert torch.backends.cudnn.benchmark is before


def test_largest_face_is_chosen_by_its_area() -> None:
    boxes = np.array([[0, 0, 30, 10], [10, 10, 30, 30], [5, 5, 8, 8]], np.float64)
    box, remark = largest_face(boxes, np.zeros((48, 64, 3), np.uint8))
    np.testing.assert_array_equal(box, [10, 10, 30, 30])
    assert remark == "3 faces, the largest taken"


def test_face_that_is_alone_needs_no_remark() -> None:
    assert largest_face(np.array([[0.0, 0, 9, 9]]), np.zeros((48, 64, 3), np.uint8))[1] == ""


@pytest.mark.parametrize(
    "box", [(-20, 5, 0, 30), (64, 5, 90, 30), (5, -30, 20, -1), (5, 48, 20, 70), (9, 9, 9, 20), (9, 9, 20, 8)]
)
def test_box_beside_the_image_or_without_an_area_is_no_face(box: tuple[float, ...]) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    assert largest_face(np.array([box], np.float64), image) == (None, "")
    assert largest_face(np.array([box, (1, 1, 3, 3)], np.float64), image)[1] == ""


def test_state_tells_detectors_and_their_settings_apart(weights: str) -> None:
    states = [SfdFaces().state(), SfdFaces(weights).state(), DlibFaces().state(), DlibFaces(2).state()]
    assert all(states.count(state) == 1 for state in states)


def test_missing_package_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(MerError, match="face_alignment is not installed; pip install face-alignment, or align=given"):
        SfdFaces().boxes(images((64, 64)))
