"""Magnitude and optical strain of a flow field, on the flow's device."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float
from kornia.filters import spatial_gradient
from torch import Tensor

from mer.errors import MerError, require_choice


def flow_magnitude(flow_px: Float[Tensor, "batch 2 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """Magnitude ``m = sqrt(u^2 + v^2)`` in px (paper, eq. 6).

    Raises:
        MerError: not ``(B, 2, H, W)``.
    """
    _require_flow(flow_px)
    magnitude: Tensor = torch.linalg.vector_norm(flow_px, dim=1, keepdim=True)
    return magnitude


def flow_direction(flow_px: Float[Tensor, "batch 2 height width"]) -> Float[Tensor, "batch 2 height width"]:
    """Direction as cosine and sine of the angle, ``(u, v) / m``; both 0 where nothing moves.

    Raises:
        MerError: not ``(B, 2, H, W)``.
    """
    return flow_px / flow_magnitude(flow_px).clamp_min(torch.finfo(flow_px.dtype).tiny)


def optical_strain(
    flow_px: Float[Tensor, "batch 2 height width"], derivative: str = "central"
) -> Float[Tensor, "batch 1 height width"]:
    """Optical strain ``eps = sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2)``, dimensionless (paper, eq. 7-9).

    Args:
        flow_px: ``(B, 2, H, W)``.
        derivative: ``central`` differences, one-sided at the borders; ``backward`` differences, 0 in the first column
            (along x) and row (along y), as in the MATLAB code that STSTNet's authors published; or ``sobel``, central
            differences smoothed across by (1, 2, 1) / 4.

    Raises:
        MerError: not ``(B, 2, H, W)``, or another derivative.
    """
    _require_flow(flow_px)
    derive = DERIVATIVES[require_choice("features.derivative", derivative, DERIVATIVES)]
    along_x, along_y = derive(flow_px)
    u_x, v_x = along_x.unbind(1)
    u_y, v_y = along_y.unbind(1)
    return (u_x.square() + v_y.square() + (u_y + v_x).square() / 2).sqrt()[:, None]


def _central(maps: Tensor) -> tuple[Tensor, Tensor]:
    return _by_kernel(maps, "diff")


def _sobel(maps: Tensor) -> tuple[Tensor, Tensor]:
    return _by_kernel(maps, "sobel")


def _by_kernel(maps: Tensor, mode: str) -> tuple[Tensor, Tensor]:
    along_x, along_y = spatial_gradient(maps, mode=mode, order=1, normalized=True).unbind(2)
    # Kornia repeats the border pixel, which halves the one-sided difference there.
    along_x[..., :, [0, -1]] *= 2
    along_y[..., [0, -1], :] *= 2
    return along_x, along_y


def _backward(maps: Tensor) -> tuple[Tensor, Tensor]:
    along_x, along_y = maps[..., :, 1:] - maps[..., :, :-1], maps[..., 1:, :] - maps[..., :-1, :]
    return F.pad(along_x, (1, 0)), F.pad(along_y, (0, 0, 1, 0))


DERIVATIVES: Mapping[str, Callable[[Tensor], tuple[Tensor, Tensor]]] = {
    "central": _central,
    "backward": _backward,
    "sobel": _sobel,
}


def _require_flow(flow: Tensor) -> None:
    if flow.ndim != 4 or flow.shape[1] != 2:
        raise MerError("a flow (B, 2, H, W)", f"{tuple(flow.shape)}", "put u and v on dimension 1")
