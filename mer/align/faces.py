"""Face boxes: of all faces in an image, and the largest of them."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from mer.align.packages import import_dlib, import_face_alignment
from mer.align.weights import PublishedWeights, load_weights, weights_state
from mer.errors import require_integer
from mer.frames import Image

Boxes = NDArray[np.float64]

S3FD_WEIGHTS = PublishedWeights(
    "the face detector's weights",
    "https://www.adrianbulat.com/downloads/python-fan/s3fd-619a316812.pth",
    "set align.landmarks.detector_weights=FILE, or align.landmarks.detector=dlib, or align=dlib, or align=given",
)
_PIXELS_AT_ONCE = 2_000_000  # S3FD's first layers hold 0.5 kB a pixel
_MEAN_BGR = (104.0, 117.0, 123.0)
_OVERLAP = 0.3
_CONFIDENCE = 0.5


class FaceDetector(Protocol):
    """Finds the faces in images."""

    reference_scale: float
    """Mean side of a box, px, whose face 2D-FAN takes as 200 px wide."""

    def boxes(self, images: Sequence[Image]) -> list[Boxes]:
        """RGB ``(H, W, 3)`` of any sizes -> one ``(F, 4)`` an image: left, top, right, bottom in px.

        Raises:
            MerError: the detector cannot be had.
        """
        ...

    def state(self) -> Any:
        """What the boxes depend on, plain values for the store's key."""
        ...


class SfdFaces:
    """S3FD, the detector that 2D-FAN is published with.

    Source: Zhang et al., ICCV 2017, doi 10.1109/ICCV.2017.30; network and weights of face-alignment.

    Args:
        weights: file of its weights; None for the published ones, fetched where they are not there yet.
        device: where it runs.
    """

    reference_scale = 195.0

    def __init__(self, weights: str | None = None, device: torch.device | None = None) -> None:
        self.weights = weights
        self.device = device or torch.device("cpu")

    def boxes(self, images: Sequence[Image]) -> list[Boxes]:
        found: list[Boxes] = []
        for batch in _batches_of_one_size(images):
            found += self._batch_boxes(np.stack(batch))
        return found

    def state(self) -> Any:
        return {"detector": "sfd", "weights": self._weights_state}

    @torch.no_grad()
    def _batch_boxes(self, images: NDArray[np.uint8]) -> list[Boxes]:
        from face_alignment.detection.sfd.detect import get_predictions

        bgr = torch.from_numpy(images).to(self.device).flip(-1).float() - torch.tensor(_MEAN_BGR, device=self.device)
        maps = self._network(bgr.permute(0, 3, 1, 2))
        maps[::2] = [scores.softmax(dim=1) for scores in maps[::2]]  # scores and offsets of each layer in turn
        plain = [one.cpu().numpy() for one in maps]
        # Image by image: the package reads a batch's images at each other's places, which changes what wins a tie.
        return [_best(get_predictions([one[row : row + 1] for one in plain], 1)[0]) for row in range(len(images))]

    @cached_property
    def _network(self) -> Any:
        import_face_alignment()
        from face_alignment.detection.sfd.net_s3fd import s3fd

        return load_weights(S3FD_WEIGHTS, self.weights, s3fd()).to(self.device).eval()

    @cached_property
    def _weights_state(self) -> str | None:
        return weights_state(S3FD_WEIGHTS, self.weights)


class DlibFaces:
    """dlib's frontal face detector, which needs no weights beside it.

    Args:
        upsample: times the image is doubled first; more finds smaller faces, and takes longer.
    """

    reference_scale = 195.0

    def __init__(self, upsample: int = 1) -> None:
        self.upsample = require_integer("align.landmarks.upsample", upsample, 0, 4)

    def boxes(self, images: Sequence[Image]) -> list[Boxes]:
        return [self._image_boxes(image) for image in images]

    def state(self) -> Any:
        return {"detector": "dlib", "upsample": self.upsample}

    def _image_boxes(self, image: Image) -> Boxes:
        faces = self._detector(image, self.upsample)
        sides = [(face.left(), face.top(), face.right(), face.bottom()) for face in faces]
        return np.array(sides, np.float64).reshape(-1, 4)

    @cached_property
    def _detector(self) -> Any:
        return import_dlib().get_frontal_face_detector()


def largest_face(boxes: Boxes, image: Image) -> tuple[Boxes | None, str]:
    """The box ``(4,)`` of the largest face that lies in the image, None where there is none; and a remark on others."""
    height, width = image.shape[:2]
    left, top, right, bottom = boxes.T
    inside = boxes[(left < width) & (top < height) & (right > 0) & (bottom > 0) & (right > left) & (bottom > top)]
    if not len(inside):
        return None, ""
    areas = (inside[:, 2] - inside[:, 0]) * (inside[:, 3] - inside[:, 1])
    return inside[areas.argmax()], f"{len(inside)} faces, the largest taken" if len(inside) > 1 else ""


def _batches_of_one_size(images: Sequence[Image]) -> Iterator[list[Image]]:
    batch: list[Image] = []
    for image in images:
        full = sum(one.shape[0] * one.shape[1] for one in [*batch, image]) > _PIXELS_AT_ONCE
        if batch and (full or image.shape != batch[0].shape):
            yield batch
            batch = []
        batch.append(image)
    if batch:
        yield batch


def _best(boxes: Boxes) -> Boxes:
    """Of candidates ``(M, 5)``, box and confidence, the confident ones that do not overlap a better one."""
    from face_alignment.detection.sfd.bbox import nms

    if not len(boxes):
        return np.zeros((0, 4))
    best = boxes[nms(boxes, _OVERLAP)]
    return np.asarray(best[best[:, 4] > _CONFIDENCE, :4], np.float64)
