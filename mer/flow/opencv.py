"""Optical flow by OpenCV, on the CPU."""

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mer.errors import require_choice
from mer.flow.frames import require_pair, to_grey

_SMALLEST_PX = 12  # of the longer side, by OpenCV
_PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}


class DISFlow:
    """Dense inverse search flow (Kroeger et al., ECCV 2016, doi 10.1007/978-3-319-46493-0_29).

    Args:
        preset: OpenCV's speed preset: ``ultrafast``, ``fast`` or ``medium``.
    """

    def __init__(self, preset: str = "medium") -> None:
        self._dis = cv2.DISOpticalFlow.create(_PRESETS[require_choice("flow.preset", preset, _PRESETS)])

    def __call__(
        self, first: Float[Tensor, "batch channel height width"], second: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch 2 height width"]:
        """Flow from ``first`` to ``second``, both ``(B, 1|3, H, W)`` in [0, 1] -> ``(B, 2, H, W)`` in px.

        Raises:
            MerError: the shapes differ, are not those above or are too small.
        """
        grey = to_grey_bytes(first), to_grey_bytes(second)
        require_pair(first, second, max(first.shape[2:]), _SMALLEST_PX, "DIS flow")
        flow = np.stack([self._dis.calc(one, two, None) for one, two in zip(*grey, strict=True)])  # type: ignore[call-overload]
        return torch.from_numpy(flow).permute(0, 3, 1, 2).contiguous().to(first.device)


def to_grey_bytes(frames: Tensor) -> np.ndarray:
    """``(B, 1|3, H, W)`` in [0, 1] -> grey ``(B, H, W)`` uint8.

    Raises:
        MerError: another number of dimensions or channels, or bytes.
    """
    return np.asarray(to_grey(frames)[:, 0].clamp(0, 1).mul(255).round().to(torch.uint8).cpu().numpy())
