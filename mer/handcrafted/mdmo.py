"""Main directional mean optical flow (MDMO)."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mer.align.landmarks import Points
from mer.errors import MerError, require_integer, require_number
from mer.flow import FlowMaps
from mer.flow.bicubic import pixel_positions, sample_bicubic
from mer.handcrafted.bi_woof import orientation_bins
from mer.handcrafted.regions36 import region_masks

_BINS = 8
_STABLE = (*range(6), *range(11, 17), 30)  # the jaw's sides and the tip of the nose
_FEWEST_STABLE = 4


class Mdmo:
    """MDMO of clips' flow from the onset frame to each later one; settings of :func:`mdmo`.

    Args:
        frames: T, that each clip is brought to by temporal interpolation; it has T - 1 flows.
        weight: w, of the lengths against the directions.
        align: take the head's own motion off first.

    Raises:
        MerError: a setting is out of bounds.
    """

    needs = frozenset({"landmarks", "onset_flow"})

    def __init__(self, frames: int = 10, weight: float = 0.8, align: bool = True) -> None:
        self.frames = require_integer("model.descriptor.frames", frames, 2, 10_000)
        self.weight = require_number("model.descriptor.weight", weight, 0, 1)
        self.align = align

    def __call__(self, maps: FlowMaps) -> Float[Tensor, "batch 72"]:
        """``(N, 72)``."""
        clips = zip(maps.need("onset_flow"), maps.need("landmarks").numpy(), strict=True)
        return torch.stack([mdmo(flows, points, self.weight, self.align) for flows, points in clips])


def mdmo(
    flows_px: Float[Tensor, "time 2 height width"], landmarks_px: Points, weight: float = 0.8, align: bool = True
) -> Float[Tensor, "72"]:
    """MDMO of a clip: ``[w rho_1 .. w rho_36, (1 - w) theta_1 .. (1 - w) theta_36]``.

    In each of 36 regions of each flow, the directions are counted in 8 bins round the multiples of 45 degrees, and the
    vectors of the fullest bin averaged. A region's vectors are averaged over the flows as vectors; rho is their length
    divided by the largest of the 36, theta their direction in (-pi, pi]. A region without px or motion has 0 and 0.

    Source: Liu et al., IEEE TAFFC 7(4), 2016, doi 10.1109/TAFFC.2015.2485205.

    Args:
        flows_px: from the clip's first frame to each later one, or to the apex alone; u to the right, v down.
        landmarks_px: of the first frame, ``(68, 2)`` (x, y), iBUG order.
        weight: w, of the lengths against the directions.
        align: take the head's own motion off first, see :func:`without_head_motion`.

    Raises:
        MerError: no flow, no landmarks, or a setting out of bounds.
    """
    require_number("weight", weight, 0, 1)
    if flows_px.ndim != 4 or flows_px.shape[1] != 2 or not len(flows_px):
        raise MerError("flows (T, 2, H, W)", f"{tuple(flows_px.shape)}", "give one flow or more")
    height, width = flows_px.shape[-2:]
    masks = torch.from_numpy(region_masks(landmarks_px, (height, width))).to(flows_px.device)
    flows_px = without_head_motion(flows_px, landmarks_px) if align else flows_px
    mean = main_direction(flows_px, masks).mean(dim=0)
    length = torch.linalg.vector_norm(mean, dim=1)
    largest = length.max()
    share = length / largest if largest > 0 else length
    return torch.cat([weight * share, (1 - weight) * torch.atan2(mean[:, 1], mean[:, 0])])


def main_direction(flows_px: Tensor, masks: Tensor) -> Float[Tensor, "time regions 2"]:
    """Mean vector of each region's fullest direction bin: ``(T, 2, H, W)``, ``(R, H, W)`` -> ``(T, R, 2)``."""
    # Half a bin's turn puts the bins round the multiples of 45 degrees.
    member = torch.nn.functional.one_hot(orientation_bins(_turned(flows_px, math.pi / _BINS), _BINS), _BINS)
    counts = torch.einsum("thwb,rhw->trb", member.to(flows_px.dtype), masks.to(flows_px.dtype))
    sums = torch.einsum("tchw,thwb,rhw->trbc", flows_px, member.to(flows_px.dtype), masks.to(flows_px.dtype))
    fullest = counts.argmax(dim=2)[..., None, None]
    chosen = sums.gather(2, fullest.expand(-1, -1, 1, 2))[:, :, 0]
    return chosen / counts.amax(dim=2)[..., None].clamp_min(1)


def without_head_motion(flows_px: Tensor, landmarks_px: Points) -> Tensor:
    """Take off each flow what an affine motion of the head explains.

    The motion is fitted by least squares to the flow at 13 landmarks that expressions hardly move, those of them that
    lie on the crop.

    Raises:
        MerError: fewer than four of them do.
    """
    height, width = flows_px.shape[-2:]
    points = np.asarray(landmarks_px, np.float64)[list(_STABLE)]
    inside = ((points >= 0) & (points <= [width - 1, height - 1])).all(axis=1)
    if inside.sum() < _FEWEST_STABLE:
        got = f"{inside.sum()} of {len(points)}"
        raise MerError(f"{_FEWEST_STABLE} landmarks of jaw and nose on the crop", got, "crop wider, or set align=false")
    at = torch.from_numpy(points[inside]).to(flows_px)
    x_px, y_px = at.T.expand(len(flows_px), 2, -1).unsqueeze(2).unbind(1)
    moves = sample_bicubic(flows_px, x_px, y_px)[:, :, 0].transpose(1, 2)
    # The moves are fitted, and not where they lead: of a still face nothing is left, not even a rounding error.
    head = torch.linalg.lstsq(_homogeneous(at + moves), moves).solution
    grid = torch.cat(pixel_positions(flows_px)).flatten(1).T
    arrived = grid + flows_px.flatten(2).transpose(1, 2)
    explained: Tensor = _homogeneous(arrived) @ head
    return flows_px - explained.transpose(1, 2).reshape(flows_px.shape)


def _homogeneous(points: Tensor) -> Tensor:
    return torch.cat([points, torch.ones_like(points[..., :1])], dim=-1)


def _turned(flow_px: Tensor, angle: float) -> Tensor:
    u, v = flow_px[:, 0], flow_px[:, 1]
    cos, sin = math.cos(angle), math.sin(angle)
    return torch.stack([cos * u - sin * v, sin * u + cos * v], dim=1)
