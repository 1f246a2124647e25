"""Magnitude and optical strain of a flow field, on the flow's device."""

import torch
from jaxtyping import Float
from kornia.filters import spatial_gradient
from torch import Tensor

from mer.errors import MerError


def flow_magnitude(flow_px: Float[Tensor, "batch 2 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """Magnitude ``m = sqrt(u^2 + v^2)`` in px (paper, eq. 6).

    Raises:
        MerError: not ``(B, 2, H, W)``.
    """
    _require_flow(flow_px)
    magnitude: Tensor = torch.linalg.vector_norm(flow_px, dim=1, keepdim=True)
    return magnitude


def optical_strain(flow_px: Float[Tensor, "batch 2 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """Optical strain ``eps = sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2)``, dimensionless (paper, eq. 7-9).

    Derivatives are central differences, one-sided at the borders.

    Raises:
        MerError: not ``(B, 2, H, W)``.
    """
    _require_flow(flow_px)
    gradient = spatial_gradient(flow_px, mode="diff", order=1, normalized=True)
    # Kornia repeats the border pixel, which halves the one-sided difference there.
    along_x, along_y = gradient[:, :, 0], gradient[:, :, 1]
    along_x[..., :, [0, -1]] *= 2
    along_y[..., [0, -1], :] *= 2
    u_x, v_x = along_x.unbind(1)
    u_y, v_y = along_y.unbind(1)
    return (u_x.square() + v_y.square() + (u_y + v_x).square() / 2).sqrt()[:, None]


def _require_flow(flow: Tensor) -> None:
    if flow.ndim != 4 or flow.shape[1] != 2:
        raise MerError("a flow (B, 2, H, W)", f"{tuple(flow.shape)}", "put u and v on dimension 1")
