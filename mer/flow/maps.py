"""The flow of a whole dataset, in the clip index's order."""

import hashlib
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class FlowMaps:
    """Onset-to-apex flow of N clips.

    Attributes:
        flow: ``(N, 2, H, W)`` in px of its own grid, channel 0 = u (right), 1 = v (down).
        strain: ``(N, 1, H, W)``, only where a dataset publishes it instead of the flow's true scale.
    """

    flow: Tensor
    strain: Tensor | None = None

    def __len__(self) -> int:
        return len(self.flow)

    def digest(self) -> str:
        """SHA-256 of all values: equal maps, equal digest."""
        tensors = [self.flow] if self.strain is None else [self.flow, self.strain]
        return hashlib.sha256(b"".join(tensor.contiguous().numpy().tobytes() for tensor in tensors)).hexdigest()


def resize_flow(flow: Tensor, size: int) -> Tensor:
    """Resize ``(N, 2, H, W)`` to ``(N, 2, size, size)``; the vectors shrink with the grid they are measured in."""
    height, width = flow.shape[-2:]
    scale = torch.tensor([size / width, size / height], dtype=flow.dtype, device=flow.device)
    return resize_map(flow, size) * scale[:, None, None]


def resize_map(maps: Tensor, size: int) -> Tensor:
    """Resize ``(N, C, H, W)`` to ``(N, C, size, size)`` without touching the values' unit."""
    if maps.shape[-2:] == (size, size):
        return maps
    return F.interpolate(maps, (size, size), mode="bilinear", align_corners=False, antialias=True)
