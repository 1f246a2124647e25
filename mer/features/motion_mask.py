"""Where a face moves, as an input of its own beside the branches."""

from jaxtyping import Float
from torch import Tensor

from mer.features.branches import BranchFeatures
from mer.features.strain import flow_magnitude
from mer.flow import FlowMaps

_Maps = Float[Tensor, "batch channel height width"]


class MaskedFeatures(BranchFeatures):
    """A mask of the motion, then the branches as :class:`BranchFeatures` makes them: three inputs.

    The mask is 1 where the flow's magnitude is above its mean over the face, else 0.
    """

    @property
    def in_channels(self) -> tuple[int, ...]:
        """Number of maps of each input."""
        return (1, *super().in_channels)

    def forward(self, maps: FlowMaps) -> tuple[_Maps, ...]:
        """Maps of ``B`` clips -> the mask ``(B, 1, H, W)`` and each branch ``(B, C, H, W)``."""
        return (motion_mask(maps.flow), *super().forward(maps))


def motion_mask(flow_px: Float[Tensor, "batch 2 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """1 where the magnitude is above its clip's mean, else 0."""
    magnitude = flow_magnitude(flow_px)
    return (magnitude > magnitude.mean(dim=(1, 2, 3), keepdim=True)).to(flow_px.dtype)
