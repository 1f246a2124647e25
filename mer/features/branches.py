"""The channels that each branch takes: the paper's are (u, v, m) and (u, v, eps)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError, require_choice, require_integer
from mer.features.channels import CHANNELS, Measures
from mer.features.scaling import SCALINGS
from mer.features.strain import DERIVATIVES
from mer.flow import FlowMaps


class BranchFeatures(nn.Module):
    """Builds both branches' inputs from a batch of maps.

    Channels are ``u``, ``v`` (flow), ``m`` (magnitude), ``eps`` (optical strain), ``angle`` (cosine and sine of the
    flow's direction), ``rgb`` and ``grey`` (the magnified apex frame, in [0, 1]).

    Args:
        branch_a: channels of the first branch.
        branch_b: channels of the second branch; none for a network of one input.
        size: height and width in px at which the features are built.
        normalize: of u, v, m and eps. ``none`` (px); ``symmetric``: u, v and m of a clip divided by the clip's largest
            m, eps by its largest eps, which keeps zero at zero and the proportion of u to v; or ``minmax``: each
            channel of a clip stretched to [0, 1], as in published flow images, which loses both.
        derivative: of eps, see :func:`mer.features.optical_strain`.
    """

    def __init__(
        self,
        branch_a: Sequence[str] = ("u", "v", "m"),
        branch_b: Sequence[str] = ("u", "v", "eps"),
        size: int = 112,
        normalize: str = "symmetric",
        derivative: str = "central",
    ) -> None:
        super().__init__()
        first = _require_channels("a", branch_a)
        self.branches = (first, _require_channels("b", branch_b)) if branch_b else (first,)
        self.size = require_integer("features.size", size, 1, 4096)
        self.normalize = require_choice("features.normalize", normalize, SCALINGS)
        self.derivative = require_choice("features.derivative", derivative, DERIVATIVES)

    @property
    def in_channels(self) -> tuple[int, ...]:
        """Number of maps that each branch takes."""
        return tuple(sum(CHANNELS[name].width for name in branch) for branch in self.branches)

    @property
    def needs(self) -> frozenset[str]:
        """What the channels ask for beside the flow: the magnified apex frame, or nothing."""
        takes_apex = any(CHANNELS[name].takes_apex for branch in self.branches for name in branch)
        return frozenset({"apex"} if takes_apex else ())

    def forward(self, maps: FlowMaps) -> tuple[Float[Tensor, "batch channel height width"], ...]:
        """Maps of ``B`` clips -> ``(B, C_a, H, W)`` and, where there is a second branch, ``(B, C_b, H, W)``.

        ``maps.strain`` is taken as eps where a dataset publishes it in place of the flow's true scale.

        Raises:
            MerError: a branch takes the apex frame and the maps hold none.
        """
        measures = Measures(maps, self.derivative)
        made = {name: self._scaled(name, measures) for branch in self.branches for name in branch}
        return tuple(torch.cat([made[name] for name in branch], dim=1) for branch in self.branches)

    def _scaled(self, name: str, measures: Measures) -> Tensor:
        channel = CHANNELS[name]
        built = channel.build(measures)
        return built if channel.size is None else SCALINGS[self.normalize](built, channel.size(measures))


def _require_channels(branch: str, names: Sequence[str]) -> tuple[str, ...]:
    if not names or isinstance(names, str):
        raise MerError(f"a list of channels for branch {branch}", repr(names), f"set features.branch_{branch}=[u,v,m]")
    return tuple(require_choice(f"features.branch_{branch}", name, CHANNELS) for name in names)
