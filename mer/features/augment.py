"""Training-time augmentation of flow: horizontal flip and 5x5 Gaussian blur (paper, section 3.2)."""

import torch
from jaxtyping import Float
from kornia.filters import gaussian_blur2d
from kornia.geometry.transform import hflip
from torch import Tensor, nn

from mer.errors import MerError, require_integer, require_number


class FlipBlur(nn.Module):
    """Flips and blurs each clip of a batch, each with its own probability.

    It works on the flow, before the features: a mirrored face moves mirrored, so the flip negates u once, and
    m, eps and whatever else is derived later follow by themselves.

    Args:
        flip: probability of a horizontal flip, in [0, 1].
        blur: probability of a blur, in [0, 1].
        kernel_px: side of the blur's kernel, odd.
        sigma_px: standard deviation of the blur.
    """

    def __init__(self, flip: float = 0.5, blur: float = 0.5, kernel_px: int = 5, sigma_px: float = 1.0) -> None:
        super().__init__()
        self.flip = require_number("augment.flip", flip, 0, 1)
        self.blur = require_number("augment.blur", blur, 0, 1)
        self.sigma_px = require_number("augment.sigma_px", sigma_px, 1e-3, 100)
        self.kernel_px = require_integer("augment.kernel_px", kernel_px, 1, 99)
        if self.kernel_px % 2 == 0:
            raise MerError("an odd augment.kernel_px", str(kernel_px), "use 3, 5 or 7")

    def forward(self, flow_px: Tensor, strain: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """``(B, 2, H, W)`` and perhaps ``(B, 1, H, W)`` -> the same, some flipped, some blurred, alike in both."""
        flipped, blurred = self._draw(flow_px, self.flip), self._draw(flow_px, self.blur)
        return self._change(flow_px, flipped, blurred, flow=True), (
            None if strain is None else self._change(strain, flipped, blurred, flow=False)
        )

    def _change(self, maps: Tensor, flipped: Tensor, blurred: Tensor, flow: bool) -> Tensor:
        maps = torch.where(flipped, flip_flow(maps) if flow else hflip(maps), maps)
        kernel = (self.kernel_px, self.kernel_px)
        return torch.where(blurred, gaussian_blur2d(maps, kernel, (self.sigma_px, self.sigma_px)), maps)

    @staticmethod
    def _draw(maps: Tensor, probability: float) -> Tensor:
        return torch.rand(len(maps), 1, 1, 1, device=maps.device) < probability


def flip_flow(flow_px: Float[Tensor, "batch 2 height width"]) -> Float[Tensor, "batch 2 height width"]:
    """Mirror a flow ``(B, 2, H, W)`` left to right: positions and the sign of u."""
    return hflip(flow_px) * flow_px.new_tensor([-1.0, 1.0])[:, None, None]
