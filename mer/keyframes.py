"""A clip's key frames: onset, apex and the band at the apex, all that magnification and flow need."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from mer.align.crop import Aligner, ClipTransform
from mer.align.landmarks import Image
from mer.apex import ApexChooser
from mer.errors import MerError
from mer.magnify.temporal import TemporalFilter

STEP_VERSION = 1  # raise it when the numbers that come out for equal settings change


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
    """Read [onset, apex] of ``clip`` once, on all cores, and sum its crops with the filter's weights.

    Raises:
        MerError: a frame cannot be read, or has another size than the onset; no face or landmarks.
    """
    files = clip["files"][: apex.choose(clip) - int(clip["onset"]) + 1]
    weights = temporal.weights(len(files) - 1).tolist()
    first = read_frame(files[0])
    transform = aligner.align(first, clip)
    onset = crop = transform.apply(first)
    band = weights[0] * onset.astype(np.float64)
    with ThreadPoolExecutor() as pool:  # OpenCV decodes and warps outside Python's lock
        crops = pool.map(partial(_crop, transform=transform, shape=first.shape), files[1:])
        for crop, weight in zip(crops, weights[1:], strict=True):
            band += weight * crop
    points = transform.landmarks_px if transform.landmarks_px is not None else np.zeros((0, 2), np.float32)
    images = _chw(onset), _chw(crop), _chw((band / 255).astype(np.float32))
    return KeyFrames(*images, landmarks_px=torch.from_numpy(points))


def key_frames_state(
    clip: pd.Series, aligner: Aligner, apex: ApexChooser, temporal: TemporalFilter
) -> Mapping[str, Any]:
    """What the key frames depend on: the frames' names, sizes and times, and the settings of each step."""
    files = clip["files"][: apex.choose(clip) - int(clip["onset"]) + 1]
    return {
        "version": STEP_VERSION,
        "clip": [clip["dataset"], clip["subject"], clip["clip"]],
        "files": [_file_state(file) for file in files],
        "align": aligner.state(clip),
        "temporal": temporal.settings(),
    }


def read_frame(file: str) -> Image:
    """Read an image as RGB ``(H, W, 3)`` uint8.

    Raises:
        MerError: it is missing or no image.
    """
    data = np.fromfile(file, np.uint8) if Path(file).is_file() else np.zeros(0, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if data.size else None
    if image is None:
        raise _unreadable(file)
    return np.asarray(image, np.uint8)


def _crop(file: str, transform: ClipTransform, shape: tuple[int, ...]) -> Image:
    frame = read_frame(file)
    if frame.shape != shape:
        got = f"{file} of {frame.shape[1]}x{frame.shape[0]}"
        raise MerError(f"frames of {shape[1]}x{shape[0]}", got, "copy the clip again from the dataset")
    return transform.apply(frame)


def _chw(image: NDArray[Any]) -> Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)


def _file_state(file: str) -> tuple[str, int, int]:
    path = Path(file)
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(file) from error
    return path.name, status.st_size, status.st_mtime_ns


def _unreadable(file: str) -> MerError:
    return MerError("a readable frame", file, "copy it again from the dataset")
