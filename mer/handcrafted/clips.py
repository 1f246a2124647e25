"""What every descriptor of frames asks of a clip."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError
from mer.flow import FlowMaps


def require_clip(clip: NDArray[np.uint8], radius_px: int, radius_frames: int) -> None:
    """Raise unless ``clip`` is grey uint8 ``(T, H, W)`` with a voxel whose neighbours all lie inside.

    Raises:
        MerError: it is not.
    """
    frames, side = 2 * radius_frames + 1, 2 * radius_px + 1
    if clip.dtype != np.uint8 or clip.ndim != 3 or len(clip) < frames or min(clip.shape[1:]) < side:
        wanted = f"a grey uint8 clip of {frames} frames and {side}x{side} px or more"
        raise MerError(wanted, f"{clip.dtype} {clip.shape}", "interpolate the clip to more frames, or lower the radii")


def require_frames(frames: int, radius_frames: int) -> None:
    """Raise unless clips of ``frames`` frames have one whose neighbours in time all lie inside.

    Raises:
        MerError: they have none.
    """
    fewest = 2 * radius_frames + 1
    if frames < fewest:
        wanted = f"model.descriptor.frames of {fewest} or more for a radius of {radius_frames} frames"
        raise MerError(wanted, f"{frames}", "set more frames or a smaller radius")


def grey_clips(maps: FlowMaps) -> NDArray[np.uint8]:
    """The clips' frames in grey, ``0.299 R + 0.587 G + 0.114 B`` rounded: ``(N, T, H, W)``.

    Raises:
        MerError: the frames were not prepared.
    """
    rgb = maps.need("frames").movedim(-3, -1).contiguous().numpy()
    grey = cv2.cvtColor(rgb.reshape(-1, rgb.shape[-2], 3), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.uint8).reshape(rgb.shape[:-1])
