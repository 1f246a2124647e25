"""The flow of a whole dataset, and what else models need of its clips, in the clip index's order."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mer.errors import MerError
from mer.needs import NEEDS


@dataclass(frozen=True)
class FlowMaps:
    """Onset-to-apex flow of N clips, and what else of them a model needs (mer/needs.py); all on one grid of H x W px.

    Attributes:
        flow: ``(N, 2, H, W)`` in px of its own grid, channel 0 = u (right), 1 = v (down).
        strain: ``(N, 1, H, W)``, only where a dataset publishes it instead of the flow's true scale.
        apex: ``(N, 3, H, W)``, the magnified apex frame as RGB in [0, 1], only where the features ask for it.
        frames: ``(N, T, 3, H, W)`` uint8 RGB, the clip's aligned crops, unmagnified; the first is the onset frame.
        landmarks: ``(N, 68, 2)``, x and y in px of the grid, iBUG order, on the onset frame.
        frame_flow: ``(N, T - 1, 2, H, W)`` px, from each of ``frames`` to the next.
        onset_flow: ``(N, T - 1, 2, H, W)`` px, from the first of ``frames`` to each later one.
        unmagnified_flow: ``(N, 2, H, W)`` px, from onset to the apex as filmed.
    """

    flow: Tensor
    strain: Tensor | None = None
    apex: Tensor | None = None
    frames: Tensor | None = None
    landmarks: Tensor | None = None
    frame_flow: Tensor | None = None
    onset_flow: Tensor | None = None
    unmagnified_flow: Tensor | None = None

    def __len__(self) -> int:
        return len(self.flow)

    def tensors(self) -> dict[str, Tensor]:
        """Those that are there, by field, in the fields' order."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def need(self, name: str) -> Tensor:
        """The field ``name``.

        Raises:
            MerError: it was not prepared.
        """
        value: Tensor | None = getattr(self, name)
        if value is None:
            raise MerError(f"maps with {NEEDS[name]}", "maps without", f"prepare maps.{name} too")
        return value

    def map(self, function: Callable[[Tensor], Tensor]) -> "FlowMaps":
        """``function`` of each tensor that is there."""
        return FlowMaps(**{name: function(value) for name, value in self.tensors().items()})

    def select(self, rows: Any) -> "FlowMaps":
        """The clips of ``rows``, row numbers or a tensor of them."""
        return self.map(lambda tensor: tensor[rows])

    def to(self, device: torch.device | str) -> "FlowMaps":
        """The same on ``device``; a Trainer moves its batches by this."""
        return self.map(lambda tensor: tensor.to(device))

    def digest(self) -> str:
        """SHA-256 of all values: equal maps, equal digest."""
        digest = hashlib.sha256()
        for tensor in self.tensors().values():
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
