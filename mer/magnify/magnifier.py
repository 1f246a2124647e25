"""What a magnifier of frames has to offer."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from mer.magnify.temporal import TemporalFilter


class Magnifier(Protocol):
    """Magnifies frames by their bands.

    Attributes:
        temporal: the filter that made the bands.
    """

    temporal: TemporalFilter

    def magnify(self, frames: Tensor, bands: Tensor, onsets: Tensor | None = None) -> Tensor:
        """Frames, their bands and the onset frames of their clips, each ``(B, 3, H, W)`` -> ``(B, 3, H, W)``."""
        ...

    def to(self, device: torch.device) -> "Magnifier":
        """Move to ``device``."""
        ...


@runtime_checkable
class Bounded(Protocol):
    """A magnifier that tells where it cannot show the motion."""

    def beyond_bound(self, frames: Tensor, bands: Tensor) -> Tensor:
        """Frames and bands ``(B, 3, H, W)`` -> part of the added motion where eq. 5 does not hold, ``(B,)``."""
        ...
