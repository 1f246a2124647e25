"""A synthetic subject: the portrait reshaped, recoloured, relit, dressed."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from mer.synth.action_units import ACTION_UNITS
from mer.synth.canvas import Layers, base_layers
from mer.synth.hair import brow_share, random_hair
from mer.synth.portrait import FloatArray
from mer.synth.scene import backdrop, clothes, glasses, shading
from mer.synth.shape import random_warp, warped
from mer.synth.skin import random_tone, texture_gain, to_grey_levels, to_linear, tone_gain

GLASSES_SHARE = 0.25  # of the subjects


@dataclass(frozen=True)
class Subject:
    """What stays the same through all clips of a subject.

    Attributes:
        neutral: the face at rest on the canvas, BGR, 0 to 255, ``(height, width, 3)``.
        landmarks: its 68 iBUG landmarks, ``(68, 2)``, px of the canvas.
        unit_gains: how strongly this subject shows each action unit.
    """

    neutral: FloatArray
    landmarks: FloatArray
    unit_gains: Mapping[int, float]


def make_subject(seed: np.random.SeedSequence) -> Subject:
    """The subject that belongs to ``seed``."""
    rng = np.random.default_rng(seed)
    base = base_layers()
    if rng.random() < 0.5:
        base = base.mirrored()
    layers = warped(base, random_warp(base.landmarks, rng))
    gains = {unit: float(np.exp(rng.normal(0, 0.25))) for unit in sorted(ACTION_UNITS)}
    return Subject(_photograph(_scene(layers, rng), rng), layers.landmarks, gains)


def _scene(layers: Layers, rng: np.random.Generator) -> FloatArray:
    """Everything before the camera from back to front, linear light, ``(height, width, 3)``."""
    points = layers.landmarks
    darkness, tone = random_tone(rng)
    hair, hair_colour = random_hair(layers, darkness, rng)
    shade = shading(points, rng)[..., None]
    face = to_linear(layers.face)
    face = face * tone_gain(face, points, tone) * texture_gain(points, rng)[..., None]
    face = _over(face, 0.6 * hair_colour + 0.05 * tone, brow_share(points, rng))
    garment, garment_share = clothes(points, rng)
    scene = _over(backdrop(rng), hair.light * shade * 0.7, hair.behind)
    scene = _over(scene, face * shade, layers.skin_share)
    scene = _over(scene, garment * shade, garment_share)
    scene = _over(scene, hair.light * shade, hair.share)
    if rng.random() < GLASSES_SHARE:
        rims = rng.uniform(0.005, 0.12) * rng.uniform(0.4, 1.0, 3).astype(np.float32)
        scene = _over(scene, rims, glasses(points, rng))
    return scene


def _over(behind: FloatArray, front: FloatArray, share: FloatArray) -> FloatArray:
    """``front`` over ``behind`` where ``share`` says."""
    return np.asarray(behind + (front - behind) * share[..., None], np.float32)


def _photograph(scene: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The scene, linear light, as a camera's grey levels: exposure, white balance, contrast, a soft lens."""
    exposure = rng.uniform(0.85, 1.15) * min(1.0, 0.3 / float(scene.mean())) ** 0.3
    balance = rng.uniform(0.94, 1.06, 3).astype(np.float32)
    image = to_grey_levels(scene * np.float32(exposure) * balance)
    return np.asarray(np.clip(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.9)), 0, 255), np.float32)
