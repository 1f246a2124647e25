"""Flow as colours: hue tells the direction, saturation the length (Middlebury's convention)."""

import math
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from mer.errors import MerError, require_integer, require_number

_UNKNOWN_PX = 1e9  # Middlebury's files mark unknown flow by larger values
_BEYOND = 0.75  # brightness of flow longer than the largest that the colours are for
_LONGEST = 1 + 1e-6  # in shares of the largest; a largest that was computed elsewhere differs by rounding
_RED, _YELLOW, _GREEN = (255, 0, 0), (255, 255, 0), (0, 255, 0)
_CYAN, _BLUE, _MAGENTA = (0, 255, 255), (0, 0, 255), (255, 0, 255)
# Colour at which a stretch of the wheel begins, and its number of colours; the eye tells more reds than greens apart.
_STRETCHES = ((_RED, 15), (_YELLOW, 6), (_GREEN, 4), (_CYAN, 11), (_BLUE, 13), (_MAGENTA, 6))


def flow_to_rgb(
    flow_px: Float[Tensor, "batch 2 height width"], largest_px: float | None = None
) -> Float[Tensor, "batch 3 height width"]:
    """Colour-code flow: white stands still, red is to the right, yellow down, cyan to the left, violet up.

    Flow longer than ``largest_px`` is darkened; unknown flow (NaN, infinite or beyond 1e9 px) is black. Source: the
    colours of Baker et al., IJCV 92, 2011, doi 10.1007/s11263-010-0390-2.

    Args:
        flow_px: ``(B, 2, H, W)``, u to the right and v down.
        largest_px: length that gets the full colour; default: each flow's own largest, so that lengths of two flows
            cannot be compared.

    Returns:
        RGB in [0, 1], ``(B, 3, H, W)``.

    Raises:
        MerError: not ``(B, 2, H, W)``, or ``largest_px`` is not above 0.
    """
    if flow_px.ndim != 4 or flow_px.shape[1] != 2 or not flow_px.is_floating_point():
        raise MerError("a flow (B, 2, H, W)", f"{flow_px.dtype} {tuple(flow_px.shape)}", "put u and v on dimension 1")
    if largest_px is not None:
        require_number("largest_px", largest_px, 1e-12, _UNKNOWN_PX)
    known = (flow_px.abs() <= _UNKNOWN_PX).all(dim=1, keepdim=True)  # NaN compares false
    flow_px = torch.where(known, flow_px, 0)
    radius = _radius(flow_px, largest_px)
    hue = _hue(flow_px)
    colour = torch.where(radius <= _LONGEST, 1 - radius.clamp(max=1) * (1 - hue), _BEYOND * hue)
    return colour * known


def colour_wheel(size_px: int) -> Float[Tensor, "3 size size"]:
    """The legend of :func:`flow_to_rgb`: each pixel has the colour of the flow from the centre to it, white outside.

    Raises:
        MerError: ``size_px`` is below 2.
    """
    reach = (2 * torch.arange(require_integer("size_px", size_px, 2, 10_000)) - (size_px - 1)) / (size_px - 1)
    v, u = torch.meshgrid(reach, reach, indexing="ij")
    disc = torch.hypot(u, v) <= 1
    return torch.where(disc, flow_to_rgb(torch.stack([u, v])[None], largest_px=1)[0], 1)


def _radius(flow_px: Tensor, largest_px: float | None) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(flow_px, dim=1, keepdim=True)
    if largest_px is not None:
        return length / largest_px
    largest = length.amax(dim=(1, 2, 3), keepdim=True)
    return length / torch.where(largest > 0, largest, 1)


def _hue(flow_px: Tensor) -> Tensor:
    """The wheel's colour of each direction, between its two neighbours: ``(B, 2, H, W)`` -> ``(B, 3, H, W)``."""
    colours = torch.tensor(_wheel(), dtype=flow_px.dtype, device=flow_px.device) / 255
    u, v = (flow_px + 0.0).unbind(1)  # makes -0 a 0: from one to the other the direction would jump by a turn
    # The convention's: first and last colour both stand for "to the right", hence one less than there are colours.
    at = (torch.atan2(-v, -u) / math.pi + 1) / 2 * (len(colours) - 1)
    below = at.floor().clamp(0, len(colours) - 1)
    share, first = (at - below)[..., None], below.long()
    second = (first + 1) % len(colours)
    return ((1 - share) * colours[first] + share * colours[second]).movedim(-1, 1)


@cache
def _wheel() -> tuple[tuple[int, ...], ...]:
    """The 55 colours, bytes."""
    ends = [*(colour for colour, _ in _STRETCHES[1:]), _RED]
    return tuple(
        tuple(_step(one, two, place, count) for one, two in zip(begin, end, strict=True))
        for (begin, count), end in zip(_STRETCHES, ends, strict=True)
        for place in range(count)
    )


def _step(begin: int, end: int, place: int, count: int) -> int:
    moved = 255 * place // count
    return begin + (moved if end > begin else -moved if end < begin else 0)
