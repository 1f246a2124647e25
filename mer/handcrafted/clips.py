"""What every descriptor of frames asks of a clip."""

import numpy as np
from numpy.typing import NDArray

from mer.errors import MerError


def require_clip(clip: NDArray[np.uint8], radius_px: int, radius_frames: int) -> None:
    """Raise unless ``clip`` is grey uint8 ``(T, H, W)`` with a voxel whose neighbours all lie inside.

    Raises:
        MerError: it is not.
    """
    frames, side = 2 * radius_frames + 1, 2 * radius_px + 1
    if clip.dtype != np.uint8 or clip.ndim != 3 or len(clip) < frames or min(clip.shape[1:]) < side:
        wanted = f"a grey uint8 clip of {frames} frames and {side}x{side} px or more"
        raise MerError(wanted, f"{clip.dtype} {clip.shape}", "interpolate the clip to more frames, or lower the radii")
