"""2D-FAN, the paper's landmarks: a network of four hourglasses that draws a heatmap a landmark."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from mer.align.faces import Boxes, DlibFaces, FaceDetector, SfdFaces, largest_face
from mer.align.landmarks import FoundLandmarks, Points, no_face
from mer.align.packages import import_face_alignment
from mer.align.weights import PublishedWeights, load_weights, weights_state
from mer.errors import MerError, require_choice, require_integer
from mer.frames import Image

FAN_WEIGHTS = PublishedWeights(
    "2D-FAN's weights",
    "https://www.adrianbulat.com/downloads/python-fan/2DFAN4-11f355bf06.pth.tar",
    "set align.landmarks.weights=FILE, or align=dlib, or align=given",
)
_HOURGLASSES = 4
_BOX_SIDE = 200.0  # px of the frame that the network sees at scale 1
_RAISE = 0.12  # of a box's height: a detector's box is centred below the 68 points
_NO_FACE = "give its landmarks with align=given"


class FanLandmarks:
    """2D-FAN on the largest face of each onset frame; the faces of many clips go through the network together.

    Boxes, scales and the reading of heatmaps follow the package face-alignment, whole pixels included.

    Source: Bulat and Tzimiropoulos, ICCV 2017, doi 10.1109/ICCV.2017.116.

    Args:
        weights: file of 2D-FAN-4's weights; None for the published ones, fetched where they are not there yet.
        detector: ``sfd``, ``dlib``, or a face detector.
        detector_weights: file of S3FD's weights; None as above.
        device: a torch device; ``auto`` takes the GPU where there is one.
        batch_size: faces that go through the network at once.
        flip_input: average with the mirrored face's heatmaps, as published; without, half the time.
    """

    def __init__(
        self,
        weights: str | None = None,
        detector: str | FaceDetector = "sfd",
        detector_weights: str | None = None,
        device: str = "auto",
        batch_size: int = 16,
        flip_input: bool = True,
    ) -> None:
        self.weights = weights
        self.device = torch_device(device)
        self.batch_size = require_integer("align.landmarks.batch_size", batch_size, 1, 4096)
        self.flip_input = flip_input
        self.detector = _detector(detector, detector_weights, self.device)

    def find(self, onsets: Sequence[Image], clips: Sequence[pd.Series]) -> list[FoundLandmarks | MerError]:
        network = self._network  # before any face is looked for: without weights there is no use in it
        largest = [largest_face(boxes, image) for boxes, image in zip(self.detector.boxes(onsets), onsets, strict=True)]
        faces = [(image, box) for (box, _), image in zip(largest, onsets, strict=True) if box is not None]
        points = iter(self._points(network, faces))
        return [
            no_face(clip, _NO_FACE) if box is None else FoundLandmarks(next(points), remark)
            for (box, remark), clip in zip(largest, clips, strict=True)
        ]

    def state(self, clip: pd.Series) -> Any:
        return {
            "method": "fan",
            "weights": self._weights_state,
            "flip_input": self.flip_input,
            "faces": self.detector.state(),
        }

    def _points(self, network: Callable[[Tensor], list[Tensor]], faces: Sequence[tuple[Image, Boxes]]) -> list[Points]:
        found: list[Points] = []
        for start in range(0, len(faces), self.batch_size):
            batch = faces[start : start + self.batch_size]
            centres, scales = face_frames(np.stack([box for _, box in batch]), self.detector.reference_scale)
            crops = _crops([image for image, _ in batch], centres, scales).to(self.device)
            found += list(heatmap_points(self._heatmaps(network, crops), centres, scales))
        return found

    @torch.no_grad()
    def _heatmaps(self, network: Callable[[Tensor], list[Tensor]], crops: Tensor) -> NDArray[np.float32]:
        from face_alignment.utils import flip

        heatmaps = network(crops)[-1]  # the last hourglass's
        if self.flip_input:
            heatmaps = heatmaps + flip(network(flip(crops))[-1], is_label=True)
        return np.asarray(heatmaps.cpu().numpy(), np.float32)

    @cached_property
    def _network(self) -> Any:
        import_face_alignment()
        from face_alignment.models import FAN

        return load_weights(FAN_WEIGHTS, self.weights, FAN(_HOURGLASSES)).to(self.device).eval()

    @cached_property
    def _weights_state(self) -> str | None:
        return weights_state(FAN_WEIGHTS, self.weights)


def face_frames(boxes: Boxes, reference_scale: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres ``(B, 2)`` in px and scales ``(B,)`` of the square regions that the network sees, 200 px at scale 1.

    Args:
        boxes: ``(B, 4)``, left, top, right, bottom in px.
        reference_scale: mean side of a box of scale 1.
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    centres = boxes[:, 2:] - sides / 2 - sides * (0, _RAISE)
    return centres, sides.sum(axis=1) / reference_scale


def heatmap_points(heatmaps: NDArray[np.float32], centres: NDArray[np.float64], scales: NDArray[np.float64]) -> Points:
    """Places of the heatmaps' maxima in px of the frame, a quarter of a cell towards the higher neighbour.

    Args:
        heatmaps: ``(B, N, R, R)``.
        centres: ``(B, 2)`` of the regions they show, px.
        scales: ``(B,)`` of these regions.

    Returns:
        ``(B, N, 2)``, cut to whole px as the network's authors do.
    """
    side = heatmaps.shape[-1]
    rows, columns = np.divmod(heatmaps.reshape(*heatmaps.shape[:2], -1).argmax(axis=-1), side)
    inside = (rows > 0) & (rows < side - 1) & (columns > 0) & (columns < side - 1)
    step_x = _rise(heatmaps, rows, columns, 0, 1) * inside
    step_y = _rise(heatmaps, rows, columns, 1, 0) * inside
    cells = np.stack([columns + step_x / 4, rows + step_y / 4], axis=-1) + 0.5
    region_px = (_BOX_SIDE * scales)[:, None, None]
    return np.asarray(np.trunc(centres[:, None] + (cells / side - 0.5) * region_px), np.float32)


def torch_device(name: str) -> torch.device:
    """The device of this name; ``auto`` is the GPU where there is one.

    Raises:
        MerError: torch knows no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise MerError("a torch device", repr(name), "set align.landmarks.device to auto, cpu or cuda") from error


def _detector(detector: str | FaceDetector, weights: str | None, device: torch.device) -> FaceDetector:
    if not isinstance(detector, str):
        return detector
    if require_choice("align.landmarks.detector", detector, ("sfd", "dlib")) == "sfd":
        return SfdFaces(weights, device)
    if weights is not None:
        raise MerError("no detector_weights beside dlib's detector", weights, "set align.landmarks.detector=sfd")
    return DlibFaces()


def _crops(images: Sequence[Image], centres: NDArray[np.float64], scales: NDArray[np.float64]) -> Tensor:
    from face_alignment.utils import crop

    crops = [crop(image, centre, scale) for image, centre, scale in zip(images, centres, scales, strict=True)]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255


def _rise(
    maps: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64], down: int, right: int
) -> NDArray[np.float32]:
    """Sign ``(B, N)`` of the slope of the maps at these cells; at a map's border it means nothing."""
    last = maps.shape[-1] - 1
    face, point = np.ogrid[: maps.shape[0], : maps.shape[1]]

    def at(sign: int) -> NDArray[np.float32]:
        row, column = (rows + sign * down).clip(0, last), (columns + sign * right).clip(0, last)
        return np.asarray(maps[face, point, row, column])

    return np.asarray(np.sign(at(1) - at(-1)))
