"""Channels innermost in memory, where that is safe."""

import torch
from torch import nn

from mer.errors import MerError


def require_safe_channels_last(net: nn.Module, device: torch.device) -> None:
    """Refuse a layout in which torch's CPU backward of a strided 1x1 convolution writes past its memory.

    Seen with torch 2.13 on two threads: the process dies, or worse does not.

    Raises:
        MerError: the network has such a convolution and runs on the CPU.
    """
    convolutions = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    strided = any(max(layer.kernel_size) == 1 and max(layer.stride) > 1 for layer in convolutions)
    if strided and device.type == "cpu":
        raise MerError(
            "engine.channels_last=false on the CPU",
            "true for a network with a strided 1x1 convolution",
            "set it to false: torch's backward of that is broken there",
        )
