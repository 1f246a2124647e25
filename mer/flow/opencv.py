"""Optical flow by OpenCV, on the CPU, pairs side by side."""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from mer.errors import require_choice, require_integer, require_number
from mer.flow.frames import require_pair, to_grey
from mer.flow.threads import in_threads, opencv_threads

_SMALLEST_PX = 12  # of the longer side, by OpenCV
_PAIRS_A_THREAD = 8
_PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}

Image = NDArray[np.uint8]
OnePair = Callable[[Image, Image], NDArray[np.float32]]


class DISFlow:
    """Dense inverse search flow (Kroeger et al., ECCV 2016, doi 10.1007/978-3-319-46493-0_29).

    Args:
        preset: OpenCV's speed preset: ``ultrafast``, ``fast`` or ``medium``.
    """

    def __init__(self, preset: str = "medium") -> None:
        self._preset = _PRESETS[require_choice("flow.preset", preset, _PRESETS)]

    def __call__(
        self, first: Float[Tensor, "batch channel height width"], second: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch 2 height width"]:
        """Flow from ``first`` to ``second``, both ``(B, 1|3, H, W)`` in [0, 1] -> ``(B, 2, H, W)`` in px.

        Raises:
            MerError: the shapes differ, are not those above or are too small.
        """
        return _flow_of_pairs(self._calculator, first, second, "DIS flow")

    def _calculator(self) -> OnePair:
        dis = cv2.DISOpticalFlow.create(self._preset)  # holds buffers: one a thread
        return lambda one, two: dis.calc(one, two, None)  # type: ignore[call-overload]


class FarnebackFlow:
    """Flow from polynomial expansions (Farneback, SCIA 2003, doi 10.1007/3-540-45103-X_50).

    Args:
        levels: of the pyramid, the image itself included; each is half the one before.
        window_px: side of the window over which displacement is averaged.
        iterations: on each level.
        neighbourhood_px: side of the neighbourhood that a polynomial is fitted to, 5 or 7.
        sigma_px: of the Gaussian that weights it; 1.1 suits 5, 1.5 suits 7.
    """

    def __init__(
        self,
        levels: int = 5,
        window_px: int = 15,
        iterations: int = 3,
        neighbourhood_px: int = 7,
        sigma_px: float = 1.5,
    ) -> None:
        self.levels = require_integer("flow.levels", levels, 1, 20)
        self.window_px = require_integer("flow.window_px", window_px, 1, 999)
        self.iterations = require_integer("flow.iterations", iterations, 1, 1000)
        self.neighbourhood_px = require_integer("flow.neighbourhood_px", neighbourhood_px, 3, 15)
        self.sigma_px = require_number("flow.sigma_px", sigma_px, 0.1, 15)

    def __call__(
        self, first: Float[Tensor, "batch channel height width"], second: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch 2 height width"]:
        """Flow from ``first`` to ``second``, both ``(B, 1|3, H, W)`` in [0, 1] -> ``(B, 2, H, W)`` in px.

        Raises:
            MerError: the shapes differ, are not those above or are too small.
        """
        return _flow_of_pairs(self._calculator, first, second, "Farneback flow")

    def _calculator(self) -> OnePair:
        settings = (0.5, self.levels, self.window_px, self.iterations, self.neighbourhood_px, self.sigma_px, 0)
        return lambda one, two: cv2.calcOpticalFlowFarneback(one, two, None, *settings)  # type: ignore[call-overload]


def _flow_of_pairs(calculator: Callable[[], OnePair], first: Tensor, second: Tensor, method: str) -> Tensor:
    grey = to_grey_bytes(first), to_grey_bytes(second)
    require_pair(first, second, max(first.shape[2:]), _SMALLEST_PX, method)

    def part(one: UInt8[Tensor, "b height width"], two: UInt8[Tensor, "b height width"]) -> Tensor:
        pair_flow = calculator()
        flows = [pair_flow(*pair) for pair in zip(one.numpy(), two.numpy(), strict=True)]
        return torch.from_numpy(np.stack(flows))

    with opencv_threads.off():
        flow = in_threads(part, torch.from_numpy(grey[0]), torch.from_numpy(grey[1]), _PAIRS_A_THREAD)
    return flow.permute(0, 3, 1, 2).contiguous().to(first.device)


def to_grey_bytes(frames: Tensor) -> Image:
    """``(B, 1|3, H, W)`` in [0, 1] -> grey ``(B, H, W)`` uint8.

    Raises:
        MerError: another number of dimensions or channels, or bytes.
    """
    return np.asarray(to_grey(frames)[:, 0].clamp(0, 1).mul(255).round().to(torch.uint8).cpu().numpy())
