"""Grad-CAM of a network's fused maps and of each branch (Selvaraju et al., ICCV 2017, doi 10.1109/ICCV.2017.74)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mer.errors import MerError, require_choice
from mer.models.cam import CamLayers, CellGrid

METHODS = ("grad_cam", "hires_cam")
_FUSED = ""  # no branch bears this name


class BranchMaps(NamedTuple):
    """Class activation maps of ``B`` clips on the cells of the last maps.

    Attributes:
        fused: of the fused maps, ``(B, h, w)``.
        branches: of each branch, ``(B, h, w)`` each.
        names: the branches', in that order.
        grid: where the cells lie on the network's input.
    """

    fused: Float[Tensor, "batch height width"]
    branches: tuple[Float[Tensor, "batch height width"], ...]
    names: tuple[str, ...]
    grid: CellGrid

    def map(self, function: Callable[[Tensor], Tensor]) -> "BranchMaps":
        """``function`` of each map."""
        return self._replace(fused=function(self.fused), branches=tuple(map(function, self.branches)))

    def scaled(self) -> "BranchMaps":
        """Each clip's maps in [-1, 1]: the fused one over its largest value, all branches over ONE, their largest."""
        return self._replace(
            fused=self.fused / _largest([self.fused]),
            branches=tuple(one / _largest(self.branches) for one in self.branches),
        )


def cam_layers(net: nn.Module) -> CamLayers:
    """What ``net`` tells of its last maps.

    Raises:
        MerError: nothing, as a network without a last convolution.
    """
    layers = getattr(net, "cam_layers", None)
    if not isinstance(layers, CamLayers):
        raise MerError("a network that names its last maps", type(net).__name__, "give it a property cam_layers")
    return layers


def method_for(net: nn.Module) -> str:
    """``hires_cam`` where the head of ``net`` tells places apart, else ``grad_cam``: see :func:`grad_cam`.

    Raises:
        MerError: as :func:`cam_layers`.
    """
    grad, by_cell = METHODS
    return by_cell if cam_layers(net).head_tells_places else grad


def grad_cam(
    net: nn.Module,
    inputs: Sequence[Float[Tensor, "batch channel height width"]],
    class_index: int | Int[Tensor, " batch"],
    signed: bool = False,
    method: str = "grad_cam",
) -> BranchMaps:
    """Where the logit of a class comes from.

    With the logit y of the class (before the softmax) and last maps A of K channels::

        L = ReLU(S),  S = sum_k alpha_k A_k,  alpha_k = mean over cells of dy/dA_k

    Each branch has its own A, the fused map has F = fuse(A^a, A^b). Where F is the sum, or the branches side by side,
    the branches' gradients are those of F and ``S = S^a + S^b`` exactly; ``multiply`` and ``gated`` have no such sum.
    With ``hires_cam`` alpha is dy/dA of each cell, not the cells' mean: for a head that tells places apart, as with
    ``model.head_size`` above 1, the mean mixes what the cells stand for, and a linear head has ``sum S = y - bias``.
    Source: Draelos and Carin 2020, arXiv 2011.08891.

    Args:
        net: in eval mode, with a property ``cam_layers`` (:class:`mer.models.cam.CamLayers`).
        inputs: the network's.
        class_index: one for all clips, or one each.
        signed: S in place of L.
        method: ``grad_cam`` or ``hires_cam``.

    Raises:
        MerError: the network names no maps or is in training mode.
    """
    require_choice("method", method, METHODS)
    layers = cam_layers(net)
    if net.training:
        raise MerError("a network in eval mode", "one in training mode", "call net.eval() first")
    with torch.enable_grad(), _recorded(layers) as seen:
        logits = net(*(one.detach().clone().requires_grad_() for one in inputs))
        chosen = torch.as_tensor(class_index, device=logits.device).expand(len(logits))
        gradients = torch.autograd.grad(logits.gather(1, chosen[:, None]).sum(), list(seen.values()))
    alphas = gradients if method == "hires_cam" else [one.mean(dim=(-2, -1), keepdim=True) for one in gradients]
    weighted = [(alpha * maps.detach()).sum(dim=1) for alpha, maps in zip(alphas, seen.values(), strict=True)]
    maps = dict(zip(seen, weighted, strict=True))
    branches = tuple(maps[name] for name in layers.branches)
    fused = maps[_FUSED] if _FUSED in maps else torch.stack(branches).sum(dim=0)
    found = BranchMaps(fused, branches, tuple(layers.branches), layers.grid)
    return found if signed else found.map(torch.relu)


def on_crop(
    maps: Float[Tensor, "batch height width"], grid: CellGrid, input_px: int, size_px: int
) -> Float[Tensor, "batch size size"]:
    """Maps drawn on a crop by linear interpolation between their cells' centres, constant beyond the outermost ones.

    Args:
        maps: ``(B, h, w)``.
        grid: where the cells lie on the network's input.
        input_px: side of that input, which shows the whole crop.
        size_px: side of the crop.
    """
    at_input = (torch.arange(size_px, dtype=maps.dtype, device=maps.device) + 0.5) * input_px / size_px - 0.5
    rows, columns = (_interpolation((at_input - grid.first_px) / grid.step_px, cells) for cells in maps.shape[-2:])
    return torch.einsum("bhw,yh,xw->byx", maps, rows, columns)


def _interpolation(at: Tensor, cells: int) -> Tensor:
    """Weights ``(places, cells)`` of the cells at each place, in cells."""
    number = torch.arange(cells, dtype=at.dtype, device=at.device)
    return (1 - (at.clamp(0, cells - 1)[:, None] - number).abs()).clamp_min(0)


@contextmanager
def _recorded(layers: CamLayers) -> Iterator[dict[str, Tensor]]:
    """The maps by branch, and the fused ones, of the forward pass in this block.

    What goes on through the network is a copy, so that a layer that works in place does not change the recorded maps.
    """
    seen: dict[str, Tensor] = {}

    def keep_output(name: str) -> Callable[..., Tensor]:
        def hook(_: nn.Module, __: Any, output: Tensor) -> Tensor:
            seen[name] = output
            return output.clone()

        return hook

    def keep_input(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        seen[_FUSED] = inputs[0]
        return (inputs[0].clone(), *inputs[1:])

    handles = [module.register_forward_hook(keep_output(name)) for name, module in layers.branches.items()]
    if layers.fused is not None:
        handles.append(layers.fused.register_forward_pre_hook(keep_input))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _largest(maps: Sequence[Tensor]) -> Tensor:
    """Of each clip the largest absolute value of all ``maps``, ``(B, 1, 1)``; 1 where all are 0."""
    largest = torch.stack([one.abs().amax(dim=(-2, -1), keepdim=True) for one in maps]).amax(dim=0)
    return torch.where(largest > 0, largest, 1)
