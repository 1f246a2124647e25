"""Optical flow from onset to apex frame."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from mer.errors import require_choice
from mer.flow.flownet2 import FlowNet2
from mer.flow.maps import FlowMaps, resize_flow, resize_map
from mer.flow.opencv import DISFlow
from mer.flow.tvl1 import TVL1Flow

Flow = Callable[[Tensor, Tensor], Tensor]
_METHODS: dict[str, Callable[..., Flow]] = {"dis": DISFlow, "flownet2": FlowNet2, "tvl1": TVL1Flow}


def build_flow(name: str, **settings: Any) -> Flow:
    """Build a flow method by name: ``build_flow("dis")(first, second)`` -> ``(B, 2, H, W)`` in px.

    Raises:
        MerError: no method of that name.
    """
    return _METHODS[require_choice("flow", name, _METHODS)](**settings)


__all__ = ["DISFlow", "Flow", "FlowMaps", "FlowNet2", "TVL1Flow", "build_flow", "resize_flow", "resize_map"]
