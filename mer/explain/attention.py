"""The spatial attention of each block of a network, by depth."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mer.explain.grad_cam import cam_layers
from mer.models.dual_branch.blocks import SpatialAttention


@torch.no_grad()
def attention_maps(net: nn.Module, inputs: Sequence[Tensor]) -> dict[str, list[Tensor]]:
    """Of each branch the maps M in (0, 1) of its blocks, the first block's first, each ``(B, h, w)``.

    Empty for a network without spatial attention.

    Args:
        net: in eval mode, with a property ``cam_layers``.
        inputs: the network's.

    Raises:
        MerError: the network names no branches.
    """
    found: dict[str, list[Tensor]] = {}
    handles = []

    def keep_in(maps: list[Tensor]) -> Callable[..., None]:
        def hook(_: nn.Module, __: Any, output: Tensor) -> None:
            maps.append(output.detach().squeeze(1))

        return hook

    for name, branch in cam_layers(net).branches.items():
        blocks = [module for module in branch.modules() if isinstance(module, SpatialAttention)]
        if blocks:
            found[name] = []
            handles += [block.register_forward_hook(keep_in(found[name])) for block in blocks]
    try:
        net(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return found
