"""TV-L1 optical flow in torch: batched, on any device, each pair as if alone.

Source: Zach, Pock and Bischof, DAGM 2007, doi 10.1007/978-3-540-74936-3_22, in the form of Sanchez Perez,
Meinhardt-Llopis and Facciolo, IPOL 3, 2013, doi 10.5201/ipol.2013.26.
"""

import math

import torch
from jaxtyping import Float
from kornia.filters import gaussian_blur2d, spatial_gradient
from torch import Tensor

from mer.errors import require_integer, require_number
from mer.flow.bicubic import pixel_positions, sample_bicubic
from mer.flow.frames import require_pair, to_grey

_GREY_RANGE = 255.0
_PRESMOOTHING_PX = 0.8
_HALVING_PX = 0.6 * math.sqrt(3)  # blur before every second pixel is kept
_COARSEST_DIAGONAL_PX = 16
_SMALLEST_SIDE_PX = 12  # the blur's kernel mirrors 5 px at the border
_FLAT = 1e-10  # squared gradient below which a pixel tells nothing
_CHECK_EVERY = 10  # inner iterations between looks at whether all pairs have converged


class TVL1Flow:
    """Minimises ``TV(u) + TV(v) + lambda |I1(x + u) - I0(x)|`` over a pyramid, with warps on each level.

    Args:
        tau: step of the dual variable, at most 0.25.
        lambda_: weight of the data term, on grey values scaled to 0..255.
        theta: tightness of the coupling between the flow and its auxiliary.
        warps: warps a pyramid level.
        epsilon: a pair has converged when its root mean square update falls below this, in px.
        max_iterations: inner iterations a warp.
    """

    def __init__(
        self,
        tau: float = 0.25,
        lambda_: float = 0.15,
        theta: float = 0.3,
        warps: int = 5,
        epsilon: float = 0.01,
        max_iterations: int = 300,
    ) -> None:
        self.tau = require_number("flow.tau", tau, 1e-6, 0.25)
        self.lambda_ = require_number("flow.lambda_", lambda_, 1e-6, 1e6)
        self.theta = require_number("flow.theta", theta, 1e-6, 1e6)
        self.warps = require_integer("flow.warps", warps, 1, 1000)
        self.epsilon = require_number("flow.epsilon", epsilon, 0, 1e6)
        self.max_iterations = require_integer("flow.max_iterations", max_iterations, 1, 1_000_000)

    @torch.no_grad()
    def __call__(
        self, first: Float[Tensor, "batch channel height width"], second: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch 2 height width"]:
        """Flow from ``first`` to ``second``, both ``(B, 1|3, H, W)`` -> ``(B, 2, H, W)`` in px.

        Raises:
            MerError: the shapes differ, are not those above or are too small.
        """
        grey = to_grey(first), to_grey(second)
        require_pair(first, second, min(first.shape[2:]), _SMALLEST_SIDE_PX, "TV-L1")
        pyramid = _pyramid(*_normalise(*grey))
        flow = torch.zeros_like(pyramid[-1][0]).repeat(1, 2, 1, 1)
        for level, (one, two) in enumerate(reversed(pyramid)):
            flow = self._solve(one, two, flow if level == 0 else _enlarge(flow, one))
        return flow

    def _solve(self, one: Tensor, two: Tensor, flow: Tensor) -> Tensor:
        texture = torch.cat([two, spatial_gradient(two, mode="diff", normalized=True)[:, 0]], dim=1)
        dual = flow.new_zeros(len(flow), 2, 2, *flow.shape[2:])
        for _ in range(self.warps):
            warped = _warp(texture, flow)
            image, slope = warped[:, :1], warped[:, 1:]
            constant = image - one - (slope * flow).sum(1, keepdim=True)
            flow, dual = self._iterate(flow, dual, constant, slope)
        return flow

    def _iterate(self, flow: Tensor, dual: Tensor, constant: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        energy = slope.square().sum(1, keepdim=True)
        tells, energy = energy >= _FLAT, energy.clamp_min(_FLAT)
        limit, rate = self.lambda_ * self.theta, self.tau / self.theta
        active = torch.ones(len(flow), 1, 1, 1, dtype=torch.bool, device=flow.device)
        for iteration in range(self.max_iterations):
            residual = constant + (slope * flow).sum(1, keepdim=True)
            step = torch.where(tells, (-residual / energy).clamp(-limit, limit), 0)
            smooth = flow + step * slope + self.theta * divergence(dual)
            slopes = forward_gradient(smooth)
            length = torch.linalg.vector_norm(slopes, dim=2, keepdim=True)
            moved = (dual + rate * slopes) / (1 + rate * length)
            update = (smooth - flow).square().sum(1, keepdim=True).mean(dim=(2, 3), keepdim=True)
            # A pair that has converged stays as it is, so that no pair depends on those beside it.
            flow = torch.where(active, smooth, flow)
            dual = torch.where(active[:, None], moved, dual)
            active = active & (update > self.epsilon**2)
            if iteration % _CHECK_EVERY == 0 and not active.any():
                break
        return flow, dual


def forward_gradient(maps: Tensor) -> Tensor:
    """Forward differences of ``(B, C, H, W)``, 0 at the far border -> ``(B, C, 2, H, W)``, along x then y."""
    along_x, along_y = torch.zeros_like(maps), torch.zeros_like(maps)
    along_x[..., :-1] = maps[..., 1:] - maps[..., :-1]
    along_y[..., :-1, :] = maps[..., 1:, :] - maps[..., :-1, :]
    return torch.stack([along_x, along_y], dim=2)


def divergence(fields: Tensor) -> Tensor:
    """Negative adjoint of :func:`forward_gradient`: ``(B, C, 2, H, W)`` -> ``(B, C, H, W)``."""
    along_x, along_y = fields.unbind(2)
    result = torch.zeros_like(along_x)
    result[..., :-1] += along_x[..., :-1]
    result[..., 1:] -= along_x[..., :-1]
    result[..., :-1, :] += along_y[..., :-1, :]
    result[..., 1:, :] -= along_y[..., :-1, :]
    return result


def _normalise(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    # One scale for both frames of a pair, its own for each pair.
    both = torch.cat([first, second], dim=1)
    low, high = both.amin((1, 2, 3), keepdim=True), both.amax((1, 2, 3), keepdim=True)
    span = torch.where(high > low, high - low, 1)
    one, two = ((frames - low) / span * _GREY_RANGE for frames in (first, second))
    return _blur(one, _PRESMOOTHING_PX), _blur(two, _PRESMOOTHING_PX)


def _pyramid(one: Tensor, two: Tensor) -> list[tuple[Tensor, Tensor]]:
    levels = [(one, two)]
    wanted = int(1 + math.log2(max(math.hypot(*one.shape[2:]) / _COARSEST_DIAGONAL_PX, 1)))
    while len(levels) < wanted and min(levels[-1][0].shape[2:]) >= _SMALLEST_SIDE_PX:
        levels.append(tuple(_blur(image, _HALVING_PX)[..., ::2, ::2] for image in levels[-1]))  # type: ignore[arg-type]
    return levels


def _blur(images: Tensor, sigma_px: float) -> Tensor:
    size = 2 * int(5 * sigma_px) + 1
    return gaussian_blur2d(images, (size, size), (sigma_px, sigma_px))


def _enlarge(flow: Tensor, like: Tensor) -> Tensor:
    x, y = pixel_positions(like)
    scale_x, scale_y = flow.shape[3] / like.shape[3], flow.shape[2] / like.shape[2]
    batch = (len(flow), -1, -1)
    return 2 * sample_bicubic(flow, (x * scale_x).expand(batch), (y * scale_y).expand(batch))


def _warp(images: Tensor, flow: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    x, y = pixel_positions(images)
    x, y = x + flow[:, 0], y + flow[:, 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return sample_bicubic(images, x, y) * inside[:, None]
