"""How a channel's values are scaled, each clip by itself: ``features.normalize``."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

_RMS_SPAN = 3.0  # so many root mean squares become 1: few values of a clip are beyond

Scaling = Callable[[Tensor, Tensor], Tensor]  # a channel and the size it is measured by, each (B, 1, H, W)


def _unscaled(channel: Tensor, size: Tensor) -> Tensor:
    return channel


def _symmetric(channel: Tensor, size: Tensor) -> Tensor:
    return channel / _at_least_tiny(size.amax(dim=(1, 2, 3), keepdim=True))


def _rms(channel: Tensor, size: Tensor) -> Tensor:
    mean_square = size.square().mean(dim=(1, 2, 3), keepdim=True)
    return channel / _at_least_tiny(_RMS_SPAN * mean_square.sqrt())


def _minmax(channel: Tensor, size: Tensor) -> Tensor:
    low, high = channel.amin(dim=(1, 2, 3), keepdim=True), channel.amax(dim=(1, 2, 3), keepdim=True)
    return (channel - low) / _at_least_tiny(high - low)


def _at_least_tiny(divisor: Tensor) -> Tensor:
    return divisor.clamp_min(torch.finfo(divisor.dtype).eps)


SCALINGS: Mapping[str, Scaling] = {"none": _unscaled, "symmetric": _symmetric, "rms": _rms, "minmax": _minmax}
