"""Networks of one shape as one network with a fold dimension, and back."""

import copy
from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor, nn

from mer.engines.batch_sizes import BatchSizes
from mer.engines.dropout import FoldDropout
from mer.engines.layers import StackedBatchNorm2d, StackedConv2d, StackedLinear, StackedOverImages
from mer.errors import MerError

_TOLERANCE = 1e-3
_POOLS = nn.MaxPool2d | nn.AvgPool2d | nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d
_ELEMENTWISE = nn.Identity | nn.ReLU | nn.LeakyReLU | nn.ELU | nn.GELU | nn.SiLU | nn.Sigmoid | nn.Tanh


def stack_nets(
    nets: Sequence[nn.Module], sizes: BatchSizes, dropout: Sequence[torch.Generator], example: Sequence[Tensor]
) -> nn.Module:
    """F networks as one whose inputs are ``(B, F, ...)`` and whose logits are ``(B, F, classes)``.

    Its parameters and buffers have the networks' names and a leading fold dimension.

    Args:
        nets: of one architecture; their forward counts dimensions from the last, as batches gain one.
        sizes: what the layers look up the folds' numbers of clips in.
        dropout: for each network the generator of its dropout.
        example: inputs ``(B, ...)`` on which the stack must agree with the networks.

    Raises:
        MerError: a layer has no stacked form, or the stack and the networks disagree.
    """
    stack = stacked(nets[0], list(nets), _Context(sizes, list(dropout)))
    _require_agreement(stack, nets, example)
    return stack


def unstack(stack: nn.Module, fold: int) -> dict[str, Tensor]:
    """The state of network number ``fold``, a copy."""
    return {
        name: value[fold].detach().clone(memory_format=torch.contiguous_format)
        for name, value in stack.state_dict().items()
    }


class _Context:
    def __init__(self, sizes: BatchSizes, dropout: list[torch.Generator]) -> None:
        self.sizes, self.dropout = sizes, dropout


@singledispatch
def stacked(layer: nn.Module, layers: list[Any], context: _Context) -> nn.Module:
    """The stacked form of ``layers``, each the counterpart of ``layer`` in its network.

    A module that only holds others is copied with its parts stacked.

    Raises:
        MerError: the layer is of a kind that is not known here.
    """
    own = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
    children = list(layer.named_children())
    if own or not children:
        raise _cannot(f"layer {type(layer).__name__}")
    copied = copy.copy(layer)
    copied._modules = dict(layer._modules)
    for name, child in children:
        copied._modules[name] = stacked(child, [getattr(one, name) for one in layers], context)
    return copied


@stacked.register
def _(layer: nn.Conv2d, layers: list[nn.Conv2d], context: _Context) -> nn.Module:
    return StackedConv2d(layers)


@stacked.register
def _(layer: nn.Linear, layers: list[nn.Linear], context: _Context) -> nn.Module:
    return StackedLinear(layers)


@stacked.register
def _(layer: nn.BatchNorm2d, layers: list[nn.BatchNorm2d], context: _Context) -> nn.Module:
    return StackedBatchNorm2d(layers, context.sizes)


@stacked.register
def _(layer: nn.Dropout, layers: list[nn.Dropout], context: _Context) -> nn.Module:
    return FoldDropout(layer.p, context.dropout, context.sizes)


@stacked.register
def _(layer: _POOLS, layers: list[nn.Module], context: _Context) -> nn.Module:
    return StackedOverImages(layer)


@stacked.register
def _(layer: _ELEMENTWISE, layers: list[nn.Module], context: _Context) -> nn.Module:
    return layer


def _require_agreement(stack: nn.Module, nets: Sequence[nn.Module], example: Sequence[Tensor]) -> None:
    """A forward that counts dimensions from the first, for one, gives other numbers or none."""
    modes = [(net, net.training) for net in (stack, *nets)]
    try:
        with torch.no_grad():
            expected = torch.stack([net.eval()(*example) for net in nets], dim=1)
            repeated = [one[:, None].expand(-1, len(nets), *one.shape[1:]).contiguous() for one in example]
            found = stack.eval()(*repeated)
        agree = found.shape == expected.shape and torch.allclose(found, expected, _TOLERANCE, _TOLERANCE)
    except (RuntimeError, IndexError, ValueError, MerError) as error:
        raise _cannot("its forward") from error
    finally:
        for net, training in modes:
            net.train(training)
    if not agree:
        raise _cannot("its forward")


def _cannot(what: str) -> MerError:
    return MerError(
        "a network that can be trained as a stack of folds", f"one whose {what} cannot", "set engine=sequential"
    )
