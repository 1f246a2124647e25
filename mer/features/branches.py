"""The channels that each branch takes: the paper's are (u, v, m) and (u, v, eps)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError, require_choice
from mer.features.strain import flow_magnitude, optical_strain
from mer.flow import FlowMaps

CHANNELS = ("u", "v", "m", "eps")
_NORMALIZE = ("none", "symmetric")


class BranchFeatures(nn.Module):
    """Builds both branches' inputs from a batch of flow.

    Args:
        branch_a: channels of the first branch, of ``u``, ``v``, ``m``, ``eps``.
        branch_b: channels of the second branch.
        size: height and width in px at which the features are built.
        normalize: ``none`` (px), or ``symmetric``: u, v and m of a clip divided by the clip's largest m, eps by its
            largest eps, which keeps zero at zero and the proportion of u to v.
    """

    def __init__(
        self,
        branch_a: Sequence[str] = ("u", "v", "m"),
        branch_b: Sequence[str] = ("u", "v", "eps"),
        size: int = 112,
        normalize: str = "symmetric",
    ) -> None:
        super().__init__()
        self.branches = (_require_channels("a", branch_a), _require_channels("b", branch_b))
        self.size = size
        self.normalize = require_choice("features.normalize", normalize, _NORMALIZE)

    @property
    def in_channels(self) -> tuple[int, int]:
        """Number of channels of each branch."""
        return len(self.branches[0]), len(self.branches[1])

    def forward(
        self, maps: FlowMaps
    ) -> tuple[Float[Tensor, "batch channel_a height width"], Float[Tensor, "batch channel_b height width"]]:
        """Maps of ``B`` clips -> ``(B, C_a, H, W)``, ``(B, C_b, H, W)``.

        ``maps.strain`` is taken as eps where a dataset publishes it in place of the flow's true scale.
        """
        flow_px = maps.flow
        magnitude = flow_magnitude(flow_px)
        eps = optical_strain(flow_px) if maps.strain is None else maps.strain
        if self.normalize == "symmetric":
            largest = _largest(magnitude)
            flow_px, magnitude, eps = flow_px / largest, magnitude / largest, eps / _largest(eps)
        channels = dict(zip(CHANNELS, (flow_px[:, :1], flow_px[:, 1:], magnitude, eps), strict=True))
        first, second = (torch.cat([channels[name] for name in branch], dim=1) for branch in self.branches)
        return first, second


def _largest(maps: Tensor) -> Tensor:
    return maps.amax(dim=(1, 2, 3), keepdim=True).clamp_min(torch.finfo(maps.dtype).eps)


def _require_channels(branch: str, names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        raise MerError(f"channels for branch {branch}", "none", f"set features.branch_{branch}=[u,v,m]")
    return tuple(require_choice(f"features.branch_{branch}", name, CHANNELS) for name in names)
