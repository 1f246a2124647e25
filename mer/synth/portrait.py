"""The one real face that every synthetic subject is made from, and which px of it are what."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


def _mirror_order() -> tuple[int, ...]:
    """The iBUG landmark that takes each landmark's place when the face is mirrored."""
    # (first, last, sum): within these runs landmark i and landmark sum - i are each other's mirror image.
    runs = ((0, 16, 16), (17, 26, 43), (31, 35, 66), (36, 39, 81), (42, 45, 81), (40, 41, 87), (46, 47, 87))
    lips = ((48, 54, 102), (55, 59, 114), (60, 64, 124), (65, 67, 132))
    order = list(range(68))
    for first, last, total in runs + lips:
        order[first : last + 1] = [total - index for index in range(first, last + 1)]
    return tuple(order)


MIRROR_ORDER = _mirror_order()


@dataclass(frozen=True)
class Portrait:
    """A face and its landmarks.

    Attributes:
        image: BGR, 0 to 255, ``(height, width, 3)``.
        landmarks: the 68 iBUG points, ``(68, 2)``, x right and y down in px of ``image``.
    """

    image: FloatArray
    landmarks: FloatArray

    def mirrored(self) -> "Portrait":
        """The face seen in a mirror, its landmarks renumbered so that each keeps its meaning."""
        landmarks = self.landmarks[list(MIRROR_ORDER)]
        landmarks[:, 0] = self.image.shape[1] - 1 - landmarks[:, 0]
        return Portrait(np.ascontiguousarray(self.image[:, ::-1]), landmarks)


@cache
def load_portrait() -> Portrait:
    """The portrait that ships with the package; ``README.md`` beside it says where it is from."""
    folder = files("mer.synth")
    encoded = np.frombuffer((folder / "portrait.png").read_bytes(), np.uint8)
    image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.float32)
    lines = (folder / "portrait_landmarks.csv").read_text(encoding="utf-8").splitlines()[1:]
    return Portrait(image, np.array([line.split(",") for line in lines], np.float32))


@dataclass(frozen=True)
class Parts:
    """How much of each px of the portrait belongs to what, 0 to 1, each ``(height, width)``."""

    person: FloatArray
    hair: FloatArray
    skin: FloatArray


@cache
def load_parts() -> Parts:
    """The portrait's parts; their PNG holds person, hair and skin as its three colours."""
    encoded = np.frombuffer((files("mer.synth") / "portrait_parts.png").read_bytes(), np.uint8)
    image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.float32) / np.float32(255)
    person, hair, skin = (np.ascontiguousarray(image[..., part], np.float32) for part in range(3))
    return Parts(person, hair, skin)


def eye_distance_px(landmarks: FloatArray) -> float:
    """Distance between the two eyes' centres, px, of ``(68, 2)`` landmarks: the face's unit of length."""
    return float(np.linalg.norm(landmarks[42:48].mean(0) - landmarks[36:42].mean(0)))
