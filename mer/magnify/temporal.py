"""Temporal band-pass filters: linear in time, so each is also one row of weights a frame."""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from mer.errors import MerError, require_number


class TemporalFilter(Protocol):
    """A causal linear filter over frames."""

    def filter(self, clip: Tensor) -> Tensor:
        """Band of every frame: ``(B, T, ...)`` -> same shape."""
        ...

    def weights(self, index: int) -> Tensor:
        """Weights ``(index + 1,)`` float64 of frames 0..index in the band of frame ``index``."""
        ...

    def settings(self) -> Mapping[str, float | str]:
        """What the band depends on, for the store's keys."""
        ...


class IIR:
    """Difference of two first-order low-pass filters, as in the published code for motion.

    ``low_k <- (1 - r) low_k-1 + r x_k`` for r1 and r2, both starting at the first frame; the band is
    ``low(r1) - low(r2)``. Source: Wu et al., ACM TOG 31(4), 2012, doi 10.1145/2185520.2185561, and its MATLAB code.

    Args:
        r1: the faster filter's rate, in (0, 1].
        r2: the slower filter's rate, in (0, r1).
    """

    def __init__(self, r1: float = 0.4, r2: float = 0.05) -> None:
        self.r1 = require_number("temporal.r1", r1, 0, 1)
        self.r2 = require_number("temporal.r2", r2, 0, 1)
        if not 0 < self.r2 < self.r1:
            raise MerError("0 < temporal.r2 < temporal.r1 <= 1", f"r1={r1}, r2={r2}", "swap or change them")

    def filter(self, clip: Tensor) -> Tensor:
        """Run the recursion over ``(B, T, ...)``."""
        fast = slow = clip[:, 0]
        bands = []
        for frame in clip.unbind(1):
            fast = torch.lerp(fast, frame, self.r1)
            slow = torch.lerp(slow, frame, self.r2)
            bands.append(fast - slow)
        return torch.stack(bands, dim=1)

    def weights(self, index: int) -> Tensor:
        """The recursion unrolled: ``r (1 - r)^(n - k)`` for k > 0 and ``(1 - r)^n`` for k = 0."""
        return _low_pass_weights(self.r1, index) - _low_pass_weights(self.r2, index)

    def settings(self) -> Mapping[str, float | str]:
        return {"filter": "iir", "r1": self.r1, "r2": self.r2}


def _low_pass_weights(rate: float, index: int) -> Tensor:
    age = torch.arange(index, -1, -1, dtype=torch.float64)
    weights = rate * (1 - rate) ** age
    weights[0] = (1 - rate) ** index
    return weights
