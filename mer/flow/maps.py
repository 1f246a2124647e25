"""The flow of a whole dataset, in the clip index's order."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class FlowMaps:
    """Onset-to-apex flow of N clips.

    Attributes:
        flow: ``(N, 2, H, W)`` in px of its own grid, channel 0 = u (right), 1 = v (down).
        strain: ``(N, 1, H, W)``, only where a dataset publishes it instead of the flow's true scale.
        apex: ``(N, 3, H, W)``, the magnified apex frame as RGB in [0, 1], only where the features ask for it.
    """

    flow: Tensor
    strain: Tensor | None = None
    apex: Tensor | None = None

    def __len__(self) -> int:
        return len(self.flow)

    def map(self, function: Callable[[Tensor], Tensor]) -> "FlowMaps":
        """``function`` of each tensor that is there."""
        tensors = (self.flow, self.strain, self.apex)
        return FlowMaps(*(None if tensor is None else function(tensor) for tensor in tensors))  # type: ignore[arg-type]

    def select(self, rows: Any) -> "FlowMaps":
        """The clips of ``rows``, row numbers or a tensor of them."""
        return self.map(lambda tensor: tensor[rows])

    def to(self, device: torch.device | str) -> "FlowMaps":
        """The same on ``device``; a Trainer moves its batches by this."""
        return self.map(lambda tensor: tensor.to(device))

    def digest(self) -> str:
        """SHA-256 of all values: equal maps, equal digest."""
        digest = hashlib.sha256()
        for tensor in (self.flow, self.strain, self.apex):
            if tensor is not None:
                digest.update(tensor.contiguous().numpy())  # type: ignore[arg-type]
        return digest.hexdigest()


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
