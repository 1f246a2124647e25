"""The proportion of v to u that min-max scaling took from flow images, found again by the strain beside them."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mer.features.strain import optical_strain

_LARGEST = 5.0
_STEPS = 65  # 5 % apart


def v_per_u(
    flow: Float[Tensor, "batch 2 height width"], strain: Float[Tensor, "batch 1 height width"]
) -> Float[Tensor, " batch"]:
    """Factor k of each clip's v that makes its flow agree with its published strain, ``(B,)``, in [1/5, 5].

    With u and v each stretched by an unknown factor, and the strain by a third, k is the one for which
    ``sqrt(u_x^2 + (k v_y)^2 + (u_y + k v_x)^2 / 2)`` (paper, eq. 9) correlates best with the strain over the clip's
    pixels: neither the strain's factor nor its offset matters. 1 where nothing correlates.
    """
    steps = torch.linspace(-math.log(_LARGEST), math.log(_LARGEST), _STEPS).exp()
    scale = flow.new_ones(2)
    found = []
    for step in steps.tolist():
        scale[1] = step
        found.append(_correlation(optical_strain(flow * scale[:, None, None]), strain))
    best, number = torch.stack(found).max(dim=0)
    return torch.where(best > 0, steps.to(flow)[number], 1)


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    """Of two batches of maps, over pixels, ``(B,)``; 0 where one is constant."""
    one, other = (maps.flatten(1) - maps.flatten(1).mean(dim=1, keepdim=True) for maps in (first, second))
    norms = one.norm(dim=1) * other.norm(dim=1)
    correlation: Tensor = (one * other).sum(dim=1) / norms.clamp_min(torch.finfo(norms.dtype).tiny)
    return correlation
