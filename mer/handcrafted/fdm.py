"""Facial dynamics map (FDM): the main direction of flow in cuboids of space and time."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from mer.errors import MerError, require_integer, require_number
from mer.flow import FlowMaps

_MOST_ROUNDS = 100


class FacialDynamicsMap:
    """FDM of clips' flow from frame to frame; settings of :func:`facial_dynamics_map`.

    Args:
        frames: T, that each clip is brought to by temporal interpolation; it has T - 1 flows.
        grid: cuboids along each side of the image.
        segments: cuboids along time.
        align: take each flow's most frequent displacement off.
        bin_px: width of the histogram that finds it.

    Raises:
        MerError: a setting is out of bounds.
    """

    needs = frozenset({"frame_flow"})

    def __init__(
        self, frames: int = 10, grid: int = 8, segments: int = 4, align: bool = True, bin_px: float = 0.1
    ) -> None:
        self.frames = require_integer("model.descriptor.frames", frames, 2, 10_000)
        self.grid = require_integer("model.descriptor.grid", grid, 1, 100)
        self.segments = require_integer("model.descriptor.segments", segments, 1, 100)
        self.align = align
        self.bin_px = require_number("model.descriptor.bin_px", bin_px, 1e-3, 100)

    def __call__(self, maps: FlowMaps) -> Float[Tensor, "batch features"]:
        """``(N, segments grid^2 2)``."""
        settings = self.grid, self.segments, self.align, self.bin_px
        return torch.stack([facial_dynamics_map(flows, *settings) for flows in maps.need("frame_flow")])


def facial_dynamics_map(
    flows_px: Float[Tensor, "time 2 height width"],
    grid: int = 8,
    segments: int = 4,
    align: bool = True,
    bin_px: float = 0.1,
) -> Float[Tensor, " features"]:
    """FDM of the flow between consecutive frames of a clip, ``(T, 2, H, W)``: ``(segments grid^2 2,)``.

    Each frame pair's most frequent displacement is taken off (most of a face is still, so that is the head's); the
    flows are resampled in time to ``segments`` equal parts; the principal direction of each cuboid's vectors is kept.

    Source: Xu, Zhang and Wang, IEEE TAFFC 8(2), 2017, doi 10.1109/TAFFC.2016.2518162. The sizes of cuboids and the
    histogram's bin are not in what could be read of it: they are mer's choice.

    Args:
        flows_px: u to the right, v down.
        grid: cuboids along each side of the image.
        segments: cuboids along time.
        align: take the most frequent displacement off.
        bin_px: width of the histogram that finds it.

    Raises:
        MerError: no flow, fewer px than cuboids, or a setting is out of bounds.
    """
    require_integer("grid", grid, 1, 100)
    require_integer("segments", segments, 1, 100)
    if flows_px.ndim != 4 or flows_px.shape[1] != 2 or not len(flows_px) or min(flows_px.shape[2:]) < grid:
        raise MerError(f"flows (T, 2, H, W) of {grid}x{grid} px or more", f"{tuple(flows_px.shape)}", "lower grid=")
    aligned = flows_px - flow_mode(flows_px, bin_px)[..., None, None] if align else flows_px
    vectors = _cuboids(_resample(aligned, segments), grid)
    return principal_direction(vectors).flatten()


def flow_mode(flow_px: Float[Tensor, "batch 2 height width"], bin_px: float = 0.1) -> Float[Tensor, "batch 2"]:
    """The most frequent u and v of each field, px: the mean of the fullest bin of a histogram.

    The bins lie round the multiples of ``bin_px``; of equally full ones the one nearest to zero counts.
    """
    bin_px = require_number("bin_px", bin_px, 1e-6, 1e6)
    values = flow_px.flatten(2)
    numbers = (values / bin_px).round().long()
    modes = [_mode(one, number) for one, number in zip(values.flatten(0, 1), numbers.flatten(0, 1), strict=True)]
    return torch.stack(modes).view(flow_px.shape[:2])


def _mode(values: Tensor, numbers: Tensor) -> Tensor:
    found, counts = torch.unique(numbers, return_counts=True)
    fullest = found[counts == counts.max()]
    return values[numbers == fullest[fullest.abs().argmin()]].mean()


def principal_direction(vectors: Float[Tensor, "sets count 2"]) -> Float[Tensor, "sets 2"]:
    """Principal direction of sets of vectors ``(N, K, 2)``: ``(N, 2)``.

    From the mean on, again and again the mean of those vectors less than 90 degrees away from it, until they are the
    same ones. ``|S| |d|``, the length of the vectors' sum, never falls from one round to the next.
    """
    direction = vectors.mean(dim=1)
    kept = torch.ones(vectors.shape[:2], dtype=torch.bool, device=vectors.device)
    for _ in range(_MOST_ROUNDS):
        nearby = (vectors @ direction[..., None])[..., 0] > 0
        if bool((nearby == kept).all()):
            break
        kept = nearby
        count = kept.sum(dim=1, keepdim=True).clamp_min(1)
        direction = (vectors * kept[..., None]).sum(dim=1) / count
    return direction


def _resample(flows: Tensor, segments: int) -> Tensor:
    """``(T, 2, H, W)`` -> ``(segments, t, 2, H, W)``: t flows a segment, linearly between the nearest two in time."""
    per_segment = max(1, round(len(flows) / segments))
    wanted = segments * per_segment
    at = torch.linspace(0, len(flows) - 1, wanted, dtype=torch.float64, device=flows.device)
    low = at.floor().long()
    high = (low + 1).clamp_max(len(flows) - 1)
    share = (at - low).to(flows.dtype)[:, None, None, None]
    return (flows[low] * (1 - share) + flows[high] * share).view(segments, per_segment, *flows.shape[1:])


def _cuboids(flows: Tensor, grid: int) -> Tensor:
    """``(S, t, 2, H, W)`` -> ``(S grid^2, vectors, 2)``; px beyond a multiple of ``grid`` are left out at both ends."""
    height, width = (size // grid for size in flows.shape[-2:])
    top, left = ((size - grid * part) // 2 for size, part in zip(flows.shape[-2:], (height, width), strict=True))
    cut = F.pad(flows, (-left, left + width * grid - flows.shape[-1], -top, top + height * grid - flows.shape[-2]))
    blocks = cut.reshape(*flows.shape[:3], grid, height, grid, width)
    return blocks.permute(0, 3, 5, 1, 4, 6, 2).flatten(3, 5).flatten(0, 2)
