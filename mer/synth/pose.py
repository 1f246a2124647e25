"""Where a subject's head is in the frame: how the canvas is placed in it, anew for every clip."""

from dataclasses import dataclass

import numpy as np

from mer.synth.portrait import FloatArray

HEAD_CENTRE = (423.0, 293.0)  # middle of the head, hair included, on the canvas
ROWS_AT_SIZE_1 = 480.0  # canvas px that fill the frame's height at size 1


@dataclass(frozen=True)
class Pose:
    """Size, roll and place of a head in the frame.

    Attributes:
        size: 1 where the head about fills the frame's height.
        roll: radians, clockwise.
        shift: of the head's middle from the frame's, (right, down), parts of the frame's height.
    """

    size: float
    roll: float
    shift: tuple[float, float]

    def affine(self, shape: tuple[int, int]) -> FloatArray:
        """``(2, 3)`` from canvas px to px of a frame of ``shape`` (height, width)."""
        scale = self.size * shape[0] / ROWS_AT_SIZE_1
        cos, sin = scale * np.cos(self.roll), scale * np.sin(self.roll)
        turn = np.array([[cos, -sin], [sin, cos]])
        centre = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2]) + shape[0] * np.array(self.shift)
        return np.column_stack([turn, centre - turn @ np.array(HEAD_CENTRE)]).astype(np.float32)


def subject_pose(rng: np.random.Generator, variation: float) -> Pose:
    """How a subject usually sits before the camera; ``variation`` 0 puts everybody at the same place."""
    size = 0.92 * (1 + variation * rng.uniform(-0.17, 0.13))
    shift = variation * rng.uniform((-0.16, -0.06), (0.16, 0.07))
    return Pose(size, variation * np.deg2rad(rng.uniform(-8, 8)), (float(shift[0]), float(shift[1])))


def clip_pose(usual: Pose, rng: np.random.Generator, variation: float) -> Pose:
    """How the subject sits in one clip."""
    shift = np.array(usual.shift) + variation * rng.uniform(-0.025, 0.025, 2)
    size = usual.size * (1 + variation * rng.uniform(-0.03, 0.03))
    return Pose(size, usual.roll + variation * np.deg2rad(rng.uniform(-2, 2)), (float(shift[0]), float(shift[1])))


def transform(points: FloatArray, affine: FloatArray) -> FloatArray:
    """Points ``(n, 2)`` moved by an affine ``(2, 3)``."""
    return np.asarray(points @ affine[:, :2].T + affine[:, 2], np.float32)


def inverted(affine: FloatArray) -> FloatArray:
    """The affine ``(2, 3)`` back."""
    inverse = np.linalg.inv(affine[:, :2].astype(np.float64))
    return np.column_stack([inverse, -inverse @ affine[:, 2]]).astype(np.float32)
