"""Layers of F networks of one shape as one layer: activations ``(B, F, ...)``, parameters ``(F, ...)``.

Folds stand beside channels, so that F convolutions are one grouped convolution and F batch norms one over F C channels,
both of them views of the same memory.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mer.engines.batch_sizes import BatchSizes
from mer.errors import MerError


class StackedConv2d(nn.Module):
    """F convolutions: ``(B, F, C_in, H, W)`` -> ``(B, F, C_out, h, w)`` with weights ``(F, C_out, C_in / g, k, k)``."""

    def __init__(self, layers: Sequence[nn.Conv2d]) -> None:
        super().__init__()
        first = layers[0]
        if first.padding_mode != "zeros":
            raise MerError("zero padding in convolutions", repr(first.padding_mode), "set engine=sequential")
        self._settings = (first.stride, first.padding, first.dilation, first.groups * len(layers))
        self.weight = stacked_parameter([layer.weight for layer in layers])
        self.bias = None if first.bias is None else stacked_parameter([_bias(layer) for layer in layers])

    def forward(self, activations: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.flatten()
        merged = F.conv2d(activations.flatten(1, 2), self.weight.flatten(0, 1), bias, *self._settings)
        return merged.unflatten(1, (len(self.weight), -1))


class StackedLinear(nn.Module):
    """F linear layers: ``(B, F, I)`` -> ``(B, F, O)`` with weights ``(F, O, I)``."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = stacked_parameter([layer.weight for layer in layers])
        self.bias = None if layers[0].bias is None else stacked_parameter([_bias(layer) for layer in layers])

    def forward(self, activations: Tensor) -> Tensor:
        output = torch.einsum("bfi,foi->bfo", activations, self.weight)
        return output if self.bias is None else output + self.bias


class StackedBatchNorm2d(nn.Module):
    """F batch norms, each over its own fold's clips: ``(B, F, C, H, W)`` -> the same.

    Where a fold's batch is shorter than the others', mean and variance are those of the clips that are its own.
    """

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(self, layers: Sequence[nn.BatchNorm2d], sizes: BatchSizes) -> None:
        super().__init__()
        first = layers[0]
        if first.momentum is None:
            raise MerError("a momentum in batch norms", "None", "set engine=sequential")
        self.eps, self.momentum, self._sizes = first.eps, first.momentum, sizes
        self.weight = stacked_parameter([layer.weight for layer in layers]) if first.affine else None
        self.bias = stacked_parameter([_bias(layer) for layer in layers]) if first.affine else None
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            tracked = [getattr(layer, name) for layer in layers] if first.track_running_stats else None
            self.register_buffer(name, torch.stack(tracked) if tracked else None)

    def forward(self, activations: Tensor) -> Tensor:
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        if self.training and self._sizes.mask is not None:
            return self._masked(activations, self._sizes.mask)
        flat = (
            None if tensor is None else tensor.flatten()
            for tensor in (self.running_mean, self.running_var, self.weight, self.bias)
        )
        batch_statistics = self.training or self.running_mean is None
        merged = F.batch_norm(activations.flatten(1, 2), *flat, batch_statistics, self.momentum, self.eps)
        return merged.view_as(activations)

    def _masked(self, activations: Tensor, mask: Tensor) -> Tensor:
        values, own = activations.float(), mask[:, :, None, None, None]
        count = own.sum(0) * values.shape[-1] * values.shape[-2]  # (F, 1, 1, 1)
        mean = (values * own).sum(dim=(0, 3, 4), keepdim=True)[0] / count
        centred = values - mean
        variance = (centred.square() * own).sum(dim=(0, 3, 4), keepdim=True)[0] / count
        self._track(mean.detach()[..., 0, 0], variance.detach()[..., 0, 0], count[..., 0, 0])
        scale = (variance + self.eps).rsqrt()
        if self.weight is not None and self.bias is not None:
            output = centred * (scale * self.weight[..., None, None]) + self.bias[..., None, None]
        else:
            output = centred * scale
        return output.to(activations.dtype)

    def _track(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1).clamp_min(1), self.momentum)


class StackedOverImages(nn.Module):
    """A layer without parameters that treats every channel alike, pooling for one, over the images of all folds."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, activations: Tensor) -> Tensor:
        merged: Tensor = self.layer(activations.flatten(1, 2))
        return merged.unflatten(1, activations.shape[1:3])


def stacked_parameter(parameters: Sequence[Tensor]) -> nn.Parameter:
    """Parameters of one shape as one, ``(F, ...)``."""
    first = parameters[0]
    requires_grad = isinstance(first, nn.Parameter) and first.requires_grad
    return nn.Parameter(torch.stack([one.detach() for one in parameters]), requires_grad)


def _bias(layer: nn.Module) -> Tensor:
    bias = layer.bias
    if not isinstance(bias, Tensor):
        raise MerError("a bias in every fold's layer", "none in one", "set engine=sequential")
    return bias
