"""Bi-weighted oriented optical flow (Bi-WOOF)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mer.errors import require_integer
from mer.features.strain import flow_magnitude, optical_strain
from mer.flow import FlowMaps
from mer.handcrafted.blocks import block_slices


class BiWoof:
    """Bi-WOOF of clips' maps; where a dataset publishes strain, it gives the global weights.

    Args:
        blocks: N of N x N.
        bins: of direction.

    Raises:
        MerError: a setting is out of bounds.
    """

    def __init__(self, blocks: int = 5, bins: int = 8) -> None:
        self.blocks = require_integer("model.descriptor.blocks", blocks, 1, 1000)
        self.bins = require_integer("model.descriptor.bins", bins, 2, 360)

    def __call__(self, maps: FlowMaps) -> Float[Tensor, "batch features"]:
        """``(N, blocks^2 bins)``."""
        return bi_woof(maps.flow, maps.strain, self.blocks, self.bins)


def bi_woof(
    flow_px: Float[Tensor, "batch 2 height width"],
    strain: Float[Tensor, "batch 1 height width"] | None = None,
    blocks: int = 5,
    bins: int = 8,
) -> Float[Tensor, "batch features"]:
    """Bi-WOOF of onset-to-apex flow ``(B, 2, H, W)``: ``(B, blocks^2 bins)``, each clip's of length 1.

    In each of N x N blocks, a histogram of the flow's direction ``atan2(v, u)`` over 8 bins from -180 degrees on, each
    px weighted by its magnitude (local weight) and the histogram scaled to sum 1; then times the block's summed optical
    strain (global weight); all blocks together scaled to length 1. A block without motion, and a clip without strain,
    give zeros.

    Source: Liong, See, Wong and Phan, Signal Processing: Image Communication 62, 2018, doi 10.1016/j.image.2017.11.006.
    The blocks here part the image; the authors' overlap by a px.

    Args:
        flow_px: u to the right, v down, as everywhere in mer.
        strain: where a dataset publishes it; default: the flow's own.
        blocks: N.
        bins: of direction.

    Raises:
        MerError: not flow, or fewer px than blocks; a setting is out of bounds.
    """
    require_integer("bins", bins, 2, 360)
    magnitude = flow_magnitude(flow_px)[:, 0]
    eps = (optical_strain(flow_px) if strain is None else strain)[:, 0]
    member = orientation_bins(flow_px, bins)
    parts = []
    for rows, columns in block_slices(tuple(flow_px.shape[-2:]), (blocks, blocks)):
        histogram = _weighted_histogram(member[:, rows, columns], magnitude[:, rows, columns], bins)
        parts.append(_share(histogram) * eps[:, rows, columns].sum(dim=(1, 2))[:, None])
    features = torch.cat(parts, dim=1)
    length = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    return torch.where(length > 0, features / length, torch.zeros_like(features))


def orientation_bins(flow_px: Float[Tensor, "batch 2 height width"], bins: int) -> Tensor:
    """Bin of each px's direction ``(B, H, W)``: bin 0 starts at -180 degrees, which +180 degrees is too."""
    turns = torch.atan2(flow_px[:, 1], flow_px[:, 0]) / (2 * math.pi) + 0.5
    return (turns * bins).floor().long() % bins


def _weighted_histogram(member: Tensor, weights: Tensor, bins: int) -> Tensor:
    empty = weights.new_zeros(len(weights), bins)
    return empty.scatter_add(1, member.flatten(1), weights.flatten(1))


def _share(histogram: Tensor) -> Tensor:
    total = histogram.sum(dim=1, keepdim=True)
    return torch.where(total > 0, histogram / total, torch.zeros_like(histogram))
