"""Onset-to-apex flow of made-up faces, straight from their action units: no picture is drawn and none is read.

A face is the portrait's landmarks reshaped. A clip moves its action units, one other small movement, the head, now and
then the lids, and adds what an optical flow gets wrong as smooth noise; it sees them in a crop like those of the real
clips, a little off as those are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mer.align.landmarks import eye_centres
from mer.errors import MerError
from mer.synth import emotions
from mer.synth.action_units import expression_field
from mer.synth.canvas import base_layers
from mer.synth.emotions import Units
from mer.synth.eyelids import blink_field
from mer.synth.motion import distractor_field, head_fields
from mer.synth.portrait import MIRROR_ORDER, FloatArray
from mer.synth.shape import random_warp

# What moves under each name that mer's label schemes give a class; drawn as often as it stands here.
CLASS_UNITS: Mapping[str, Sequence[Units]] = {
    "negative": (
        *(*emotions.DISGUST, *emotions.REPRESSION, *emotions.SADNESS, *emotions.FEAR, *emotions.ANGER),
        *(*emotions.CONTEMPT, (4,), (4,), (4, 7), (4, 7)),  # the lowered brow is the commonest by far
    ),
    "positive": emotions.HAPPINESS,
    "happiness": emotions.HAPPINESS,
    "surprise": emotions.SURPRISE,
    "disgust": emotions.DISGUST,
    "repression": emotions.REPRESSION,
    "sadness": emotions.SADNESS,
    "fear": emotions.FEAR,
    "anger": emotions.ANGER,
    "contempt": emotions.CONTEMPT,
    "others": emotions.OTHERS,
}
_CLIPS_A_FACE = 5
_FINE = 3  # places of the field along a side of one px of the result
_ONE_SIDED_SHARE = 0.25  # of the clips move one side of the face alone, nearly
_GAIN_SPREAD, _LEAN = 0.5, 0.5  # log standard deviation of an action unit's strength; most of a side above the other
_CROP_SHIFT, _CROP_SPREAD = 0.05, 0.06  # parts of the side; log standard deviation of each side's length
_HEAD = np.array([0.5, 0.5, 0.3, 0.5, 0.5])  # of right, down, rolled, turned and nodded
_NOISE_SIGMA = (2 / 84, 8 / 84)  # of the noise's blur, parts of the side


@dataclass(frozen=True)
class Disturbances:
    """How much beside the action units moves: each clip draws evenly from these, as parts of its longest vector.

    Attributes:
        noise: of the flow's error.
        head: of the head's movement.
        distractor: of a movement that belongs to no class.
        blinks: share of the clips in which the lids move.
    """

    noise: tuple[float, float] = (0.1, 0.5)
    head: tuple[float, float] = (0.0, 0.6)
    distractor: tuple[float, float] = (0.0, 0.5)
    blinks: float = 0.1


@dataclass(frozen=True)
class Crop:
    """Where the eyes are in the square that a clip shows.

    Attributes:
        eye_distance: of the eye centres, as a share of the side.
        eye_height: height of the eye line from the top, as a share of the side.
        aspect: how much a px shows along the face more than across; 1 where the crop was square before it was resized.
    """

    eye_distance: float = 0.42
    eye_height: float = 0.35
    aspect: float = 1.0


def synthetic_flows(
    classes: Sequence[str], clips: int, size: int, seed: int, crop: Crop, disturbances: Disturbances
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Flow of ``clips`` clips, every class as often as the others in the long run.

    Args:
        classes: names of :data:`CLASS_UNITS`.
        clips: how many.
        size: side S of the flow, px.
        seed: of all that is drawn.
        crop: what of the face they show.
        disturbances: what else moves.

    Returns:
        ``(clips, 2, S, S)``, the longest vector of the action units together 1 px, and class numbers ``(clips,)``.

    Raises:
        MerError: a class whose action units are not known.
    """
    unknown = [name for name in classes if name not in CLASS_UNITS]
    if unknown:
        known = ", ".join(CLASS_UNITS)
        raise MerError(f"classes with known action units ({known})", unknown[0], "set synthetic=none or other labels=")
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, len(classes), clips)
    flows = np.empty((clips, 2, size, size), np.float32)
    for clip, number in enumerate(numbers):
        if clip % _CLIPS_A_FACE == 0:
            face = _face(rng)
        units = emotions.draw_units(CLASS_UNITS[classes[number]], rng)
        flows[clip] = _clip_flow(_in_crop(face, size * _FINE, crop, rng), units, size, disturbances, rng)
    return flows, numbers


def _face(rng: np.random.Generator) -> FloatArray:
    """Landmarks ``(68, 2)`` of another face, px of the canvas."""
    layers = base_layers()
    points = random_warp(layers.landmarks, rng).points(layers.landmarks)
    if rng.random() < 0.5:
        points = points[list(MIRROR_ORDER)] * np.array([-1, 1], np.float32)
    return points


def _in_crop(points: FloatArray, side: int, crop: Crop, rng: np.random.Generator) -> FloatArray:
    """Landmarks in a crop of ``side`` px, which is a little too large or small and a little off."""
    left, right = eye_centres(points)
    scale = np.array([1, 1 / crop.aspect]) * crop.eye_distance * side / np.hypot(*(right - left))
    scale *= np.exp(rng.normal(0, _CROP_SPREAD, 2))
    place = np.array([0.5, crop.eye_height]) + rng.uniform(-_CROP_SHIFT, _CROP_SHIFT, 2)
    return np.asarray((points - (left + right) / 2) * scale + place * side, np.float32)


def _clip_flow(
    points: FloatArray, units: Units, size: int, disturbances: Disturbances, rng: np.random.Generator
) -> FloatArray:
    """Flow ``(2, size, size)`` of a face whose ``units`` move, from a field finer by ``_FINE``."""
    shape = (size * _FINE, size * _FINE)
    lean = rng.uniform(-_LEAN, _LEAN)
    if rng.random() < _ONE_SIDED_SHARE:
        lean = 0.9 * np.sign(lean)
    strengths = {unit: float(np.exp(rng.normal(0, _GAIN_SPREAD))) for unit in units}
    gains = {unit: (gain * (1 - lean), gain * (1 + lean)) for unit, gain in strengths.items()}
    field = expression_field(gains, points, 1.0, shape)
    field += distractor_field(points, float(rng.uniform(*disturbances.distractor)), rng, shape)
    head = rng.normal(size=len(_HEAD)) * _HEAD * rng.uniform(*disturbances.head)
    field += np.tensordot(head.astype(np.float32), head_fields(points, shape), 1)
    if rng.random() < disturbances.blinks:
        lids = blink_field(points, shape)
        field += np.float32(rng.choice([-1, 1]) * rng.uniform(0.2, 0.8) / max(1e-6, np.abs(lids).max())) * lids
    field += np.float32(rng.uniform(*disturbances.noise)) * _smooth_noise(shape, rng)
    return np.asarray(field.reshape(2, size, _FINE, size, _FINE).mean((2, 4)), np.float32)


def _smooth_noise(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Noise ``(2, height, width)`` about as long as a third of 1 px, smooth over a part of the side."""
    sigma = shape[1] * rng.uniform(*_NOISE_SIGMA)
    white = rng.standard_normal((2, *shape)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(axis, (0, 0), sigma) for axis in white])
    return np.asarray(0.35 * smooth / smooth.std(), np.float32)
