"""A learned gate between the branches' last maps."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class GatedFusion(nn.Module):
    """``2 (z A + (1 - z) B)`` with ``z = sigmoid(W [A; B] + b)``, W a 1x1 convolution: a gate a channel and pixel.

    The gated multimodal unit of Arevalo et al. 2017 (arXiv 1702.01992) on maps, without its tanh, since the maps have
    passed the blocks' ReLU. W and b begin at zero, so z at 1/2: training starts from the paper's sum, eq. 12.

    Args:
        channels: of A and of B.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(2 * channels, channels, 1)
        nn.init.zeros_(self.gate.weight)
        if self.gate.bias is not None:
            nn.init.zeros_(self.gate.bias)

    def forward(
        self, first: Float[Tensor, "batch channel height width"], second: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel height width"]:
        """A and B ``(B, C, h, w)`` -> ``(B, C, h, w)``."""
        gate: Tensor = self.gate(torch.cat([first, second], dim=-3)).sigmoid()
        return 2 * torch.lerp(second, first, gate)
