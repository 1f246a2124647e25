"""Warping by a flow, and what is left of the difference: what a network of the stack is told about the one before."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def warp(
    images: Float[Tensor, "batch channel height width"], flow_px: Float[Tensor, "batch 2 height width"]
) -> Float[Tensor, "batch channel height width"]:
    """``out(x, y) = images(x + u, y + v)``, bilinear, the border pixel repeated outside."""
    height, width = images.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=images.device, dtype=flow_px.dtype),
        torch.arange(width, device=images.device, dtype=flow_px.dtype),
        indexing="ij",
    )
    positions = torch.stack([(x + flow_px[:, 0]) / (width - 1), (y + flow_px[:, 1]) / (height - 1)], dim=-1)
    warped: Tensor = F.grid_sample(images, 2 * positions - 1, padding_mode="border", align_corners=True)
    return warped


def channel_norm(maps: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch 1 height width"]:
    """Euclidean length over the channels."""
    norms: Tensor = torch.linalg.vector_norm(maps, dim=1, keepdim=True)
    return norms
