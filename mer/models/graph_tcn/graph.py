"""The graph of facial landmarks: brows and mouth, neighbours joined."""

from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

# iBUG numbers: brows 17-26, mouth 48-67 but for its inner corners 60 and 64, which lie on the outer ones.
BROWS = (tuple(range(17, 22)), tuple(range(22, 27)))
OUTER_LIPS = tuple(range(48, 60))
INNER_LIPS = ((61, 62, 63), (65, 66, 67))
LANDMARKS = (*BROWS[0], *BROWS[1], *OUTER_LIPS, *INNER_LIPS[0], *INNER_LIPS[1])
# Inner lips hang between the outer corners, each of their points on the lip's edge outside it.
_TO_LIPS = ((48, 61), (63, 54), (54, 65), (67, 48), (50, 61), (51, 62), (52, 63), (56, 65), (57, 66), (58, 67))


def landmark_edges() -> Int[Tensor, "edge 2"]:
    """Pairs of node numbers, in the order of ``LANDMARKS``: along each brow, across, around the lips, lip to lip."""
    chains = (*BROWS, *INNER_LIPS)
    pairs = [pair for chain in chains for pair in pairwise(chain)]
    pairs += [(BROWS[0][-1], BROWS[1][0])]
    pairs += list(zip(OUTER_LIPS, (*OUTER_LIPS[1:], OUTER_LIPS[0]), strict=True))
    pairs += list(_TO_LIPS)
    return torch.tensor([[LANDMARKS.index(one), LANDMARKS.index(two)] for one, two in pairs])


def normalised_adjacency(edges: Int[Tensor, "edge 2"], nodes: int) -> Float[Tensor, "node node"]:
    """``D^-1/2 (A + I) D^-1/2`` of an undirected graph, D the row sums of ``A + I``.

    Source: Kipf and Welling, ICLR 2017, arXiv:1609.02907.
    """
    adjacency = torch.eye(nodes)
    adjacency[edges[:, 0], edges[:, 1]] = 1
    adjacency[edges[:, 1], edges[:, 0]] = 1
    scale = adjacency.sum(1).rsqrt()
    return scale[:, None] * adjacency * scale
