"""A clip's key frames: onset, apex and the band at the apex, all that magnification and flow need."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from mer.align.crop import Aligner, ClipTransform
from mer.align.drift import drift_corrections
from mer.apex import ApexChooser
from mer.errors import MerError
from mer.frames import Image, map_frames, read_frame
from mer.magnify.temporal import TemporalFilter

STEP_VERSION = 3  # raise it when the numbers that come out for equal settings change


@dataclass(frozen=True)
class KeyFrames:
    """Key frames of one clip on its aligned crop.

    Attributes:
        onset: ``(3, S, S)`` uint8 RGB.
        apex: ``(3, S, S)`` uint8 RGB.
        band: ``(3, S, S)`` float32, the temporally band-passed RGB signal at the apex, of frames in [0, 1].
        landmarks_px: ``(68, 2)`` float32 in crop px; empty ``(0, 2)`` where there are none.
    """

    onset: Tensor
    apex: Tensor
    band: Tensor
    landmarks_px: Tensor


def extract_key_frames(clip: pd.Series, aligner: Aligner, apex: ApexChooser, temporal: TemporalFilter) -> KeyFrames:
    """Read the frames of ``clip`` that its key frames need once, on all cores, and sum their crops.

    Raises:
        MerError: a frame cannot be read, or has another size than the onset; no face, landmarks or apex.
    """
    at, temporal = apex_index(clip, apex), temporal.at(float(clip["fps"]))
    onset = read_frame(clip["files"][0])
    files = needed_frames(clip, at, temporal)
    return key_frames_of(files, at, onset, aligner.align(onset, clip), temporal, aligner.stabilise)


def apex_index(clip: pd.Series, apex: ApexChooser) -> int:
    """The apex of ``clip``, counted from its onset frame."""
    return apex.choose(clip) - int(clip["onset"])


def needed_frames(clip: pd.Series, apex: int, temporal: TemporalFilter) -> tuple[str, ...]:
    """Names of the frames that key frames are made of: onset to apex, or to offset where the filter looks ahead."""
    files: tuple[str, ...] = clip["files"]
    return files if temporal.looks_ahead else files[: apex + 1]


def key_frames_of(
    files: Sequence[str],
    apex: int,
    onset: Image,
    transform: ClipTransform,
    temporal: TemporalFilter,
    stabilise: bool = False,
    in_parallel: bool = True,
) -> KeyFrames:
    """Key frames of the frames ``files``, cropped by ``transform``.

    Args:
        files: names of the frames, as ``needed_frames`` gives them.
        apex: which of them is the apex.
        onset: the first of them, read already.
        transform: the clip's.
        temporal: its weights sum the crops to the band; for the clip's frame rate.
        stabilise: take a slow drift of the head out of the crops first.
        in_parallel: read the frames on all cores; not where clips are read side by side already.

    Raises:
        MerError: a frame cannot be read, or has another size than the onset.
    """
    weights = temporal.weights(apex, len(files)).tolist()
    crops = aligned_crops(files, onset, transform, stabilise, in_parallel)
    first = crop_at_apex = next(crops)
    band = WeightedSum(first, weights[0])
    for number, (crop, weight) in enumerate(zip(crops, weights[1:], strict=True), start=1):
        band.add(crop, weight)
        if number == apex:
            crop_at_apex = crop
    points = transform.landmarks_px if transform.landmarks_px is not None else np.zeros((0, 2), np.float32)
    images = _chw(first), _chw(crop_at_apex), _chw((band.value() / 255).astype(np.float32))
    return KeyFrames(*images, landmarks_px=torch.from_numpy(points))


def aligned_crops(
    files: Sequence[str], onset: Image, transform: ClipTransform, stabilise: bool = False, in_parallel: bool = True
) -> Iterator[Image]:
    """The crops ``(S, S, 3)`` of the frames ``files``, the first of which is ``onset``, read already.

    Raises:
        MerError: a frame cannot be read, or has another size than the onset.
    """
    yield transform.apply(onset)
    if stabilise:
        yield from _stabilised(files[1:], onset, transform)
    else:
        yield from map_frames(partial(_crop, transform=transform, shape=onset.shape), files[1:], in_parallel)


class WeightedSum:
    """Sum of images with weights of either sign, float64, by OpenCV's running mean: six times as fast as numpy."""

    def __init__(self, image: Image, weight: float) -> None:
        self._means = {sign: np.zeros(image.shape, np.float64) for sign in (1, -1)}
        self._totals = {1: 0.0, -1: 0.0}
        self.add(image, weight)

    def add(self, image: Image, weight: float) -> None:
        """Add ``weight * image``."""
        sign = 1 if weight > 0 else -1
        self._totals[sign] += abs(weight)
        if weight:  # the mean of the images so far, weighted
            cv2.accumulateWeighted(image, self._means[sign], abs(weight) / self._totals[sign])

    def value(self) -> NDArray[np.float64]:
        """The sum, of the images' shape."""
        return np.asarray(self._totals[1] * self._means[1] - self._totals[-1] * self._means[-1])


def _stabilised(files: Sequence[str], onset: Image, transform: ClipTransform) -> list[Image]:
    frames = list(map_frames(partial(_same_size, shape=onset.shape), files))
    corrections = drift_corrections([transform.apply(frame) for frame in (onset, *frames)])
    return [transform.apply(frame, correction) for frame, correction in zip(frames, corrections[1:], strict=True)]


def _crop(name: str, frame: Image, transform: ClipTransform, shape: tuple[int, ...]) -> Image:
    return transform.apply(_same_size(name, frame, shape))


def _same_size(name: str, frame: Image, shape: tuple[int, ...]) -> Image:
    if frame.shape != shape:
        got = f"{name} of {frame.shape[1]}x{frame.shape[0]}"
        raise MerError(f"frames of {shape[1]}x{shape[0]}", got, "copy the clip again from the dataset")
    return frame


def _chw(image: NDArray[Any]) -> Tensor:
    # Contiguous by numpy: torch would wake its threads for it, which costs more than the copy.
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
