"""Patches at facial landmarks, followed through a clip: the nodes of a graph over time."""

import torch
from jaxtyping import Float
from kornia.color import rgb_to_grayscale
from torch import Tensor, nn

from mer.errors import MerError, require_integer
from mer.flow import FlowMaps
from mer.models.graph_tcn.graph import LANDMARKS


class LandmarkPatches(nn.Module):
    """Square patches of grey at 28 landmarks of brows and mouth, less those of the onset frame, times ``gain``.

    A clip's landmarks are those of its onset frame: it is aligned by one transform, so that what moves inside a patch
    is skin. The difference to the onset frame is 0 without motion and leaves out what a face looks like.

    Args:
        size: height and width of the frames, px.
        frames: number of frames that each clip is brought to.
        side_px: side of a patch, odd.
        gain: factor on the differences, which are small parts of the grey levels' range [0, 1].
    """

    def __init__(self, size: int = 112, frames: int = 10, side_px: int = 7, gain: float = 10.0) -> None:
        super().__init__()
        self.size = require_integer("features.size", size, 1, 4096)
        self.frames = require_integer("features.frames", frames, 2, 10_000)
        self.side_px = require_integer("features.side_px", side_px, 1, self.size)
        self.gain = gain
        if self.side_px % 2 == 0:
            raise MerError("an odd features.side_px", f"{side_px}", "set it to 7")

    @property
    def in_channels(self) -> tuple[int, ...]:
        """Px of a patch."""
        return (self.side_px**2,)

    @property
    def needs(self) -> frozenset[str]:
        """Frames and landmarks."""
        return frozenset({"frames", "landmarks"})

    def forward(self, maps: FlowMaps) -> tuple[Float[Tensor, "batch time node pixel"]]:
        """Maps of ``B`` clips -> ``(B, T - 1, 28, side^2)``, the times after the onset."""
        grey = rgb_to_grayscale(maps.need("frames") / 255)[:, :, 0]
        patches = cut_patches(grey, maps.need("landmarks")[:, list(LANDMARKS)], self.side_px)
        return ((patches[:, 1:] - patches[:, :1]) * self.gain,)


def cut_patches(
    images: Float[Tensor, "batch time height width"], points_px: Float[Tensor, "batch node 2"], side_px: int
) -> Float[Tensor, "batch time node pixel"]:
    """The px around each point (x, y), row by row, ``(B, T, N, side^2)``; beyond the border its px are repeated."""
    reach = torch.arange(side_px, device=images.device) - side_px // 2
    nearest = points_px.round().long()
    columns = (nearest[..., 0, None] + reach).clamp(0, images.shape[-1] - 1)  # (B, N, side)
    rows = (nearest[..., 1, None] + reach).clamp(0, images.shape[-2] - 1)
    clips = torch.arange(len(images), device=images.device)[:, None, None, None]
    cut = images.movedim(1, -1)[clips, rows[..., None], columns[..., None, :]]  # (B, N, side, side, T)
    patches: Tensor = cut.movedim(-1, 1).flatten(3)
    return patches
