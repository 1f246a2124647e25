"""TV-L1 optical flow in torch: batched, on any device, each pair as if alone.

Source: Zach, Pock and Bischof, DAGM 2007, doi 10.1007/978-3-540-74936-3_22, in the form of Sanchez Perez,
Meinhardt-Llopis and Facciolo, IPOL 3, 2013, doi 10.5201/ipol.2013.26.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from mer.errors import require_choice, require_integer, require_number
from mer.flow.bicubic import pixel_positions, sample_bicubic, sample_with_slope
from mer.flow.duality import Stopping, minimise
from mer.flow.frames import require_pair, to_grey
from mer.flow.threads import in_threads

_GREY_RANGE = 255.0
_PRESMOOTHING_PX = 0.8
_HALVING_PX = 0.6 * math.sqrt(3)  # blur before every second pixel is kept
_COARSEST_DIAGONAL_PX = 16
_SMALLEST_SIDE_PX = 12  # the blur's kernel mirrors 5 px at the border
_PAIRS_A_THREAD = 8
_CACHED_PX = 2**16  # of the pairs that one thread works on at once, so that their arrays stay in its cache
_PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


class TVL1Flow:
    """Minimises ``TV(u) + TV(v) + lambda |I1(x + u) - I0(x)|`` over a pyramid, with warps on each level.

    A pair's flow does not depend on the pairs beside it, nor on the number of threads.

    Args:
        tau: step of the dual variable, at most 0.25.
        lambda_: weight of the data term, on grey values scaled to 0..255.
        theta: tightness of the coupling between the flow and its auxiliary.
        warps: warps a pyramid level.
        epsilon: a pair has converged when its root mean square update falls below this, in px; looked at after every
            10 iterations, so that a pair is never further from its optimum than in the published loop.
        max_iterations: inner iterations a warp.
        precision: of the inner iterations, ``float32``, ``float16`` or ``bfloat16``.
    """

    def __init__(
        self,
        tau: float = 0.25,
        lambda_: float = 0.15,
        theta: float = 0.3,
        warps: int = 5,
        epsilon: float = 0.01,
        max_iterations: int = 300,
        precision: str = "float32",
    ) -> None:
        self.tau = require_number("flow.tau", tau, 1e-6, 0.25)
        self.lambda_ = require_number("flow.lambda_", lambda_, 1e-6, 1e6)
        self.theta = require_number("flow.theta", theta, 1e-6, 1e6)
        self.warps = require_integer("flow.warps", warps, 1, 1000)
        self.epsilon = require_number("flow.epsilon", epsilon, 0, 1e6)
        self.max_iterations = require_integer("flow.max_iterations", max_iterations, 1, 1_000_000)
        self.dtype = _PRECISIONS[require_choice("flow.precision", precision, _PRECISIONS)]

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
        if first.device.type == "cpu":
            return in_threads(self._flow, *grey, _PAIRS_A_THREAD)
        return self._flow(*grey)

    @torch.no_grad()  # which holds for one thread
    def _flow(self, first: Tensor, second: Tensor) -> Tensor:
        pyramid = _pyramid(*_normalise(first, second))
        flow = torch.zeros_like(pyramid[-1][0]).repeat(1, 2, 1, 1)
        for level, (one, two) in enumerate(reversed(pyramid)):
            start = flow if level == 0 else _enlarge(flow, one)
            pairs = max(1, _CACHED_PX // one[0].numel()) if one.device.type == "cpu" else len(one)
            parts = zip(*(torch.split(images, pairs) for images in (one[:, 0], two[:, 0], start)), strict=True)
            flow = torch.cat([self._solve(*part) for part in parts])
        return flow

    def _solve(self, one: Tensor, two: Tensor, start: Tensor) -> Tensor:
        flow = start.transpose(0, 1).contiguous()
        dual = flow.new_zeros(2, *flow.shape)
        stopping = Stopping(self.epsilon, self.max_iterations)
        for _ in range(self.warps):
            image, slope = _warp(two, flow)
            constant = image - one - (slope * flow).sum(0)
            weights = self.tau, self.lambda_, self.theta
            flow, dual = minimise(flow, dual, constant, slope, weights, stopping, self.dtype)
        return flow.transpose(0, 1)


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
    """Gaussian, mirrored at the border; sums of shifted images, because a convolution rounds as its batch is large."""
    reach = int(5 * sigma_px)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma_px) ** 2)
    for dim in (2, 3):
        border = (reach, reach, 0, 0) if dim == 3 else (0, 0, reach, reach)
        padded, length = F.pad(images, border, mode="reflect"), images.shape[dim]
        images = torch.zeros_like(images)
        for shift, weight in enumerate((weights / weights.sum()).tolist()):
            images.add_(padded.narrow(dim, shift, length), alpha=weight)
    return images


def _enlarge(flow: Tensor, like: Tensor) -> Tensor:
    x, y = pixel_positions(like)
    scale_x, scale_y = flow.shape[3] / like.shape[3], flow.shape[2] / like.shape[2]
    batch = (len(flow), -1, -1)
    return 2 * sample_bicubic(flow, (x * scale_x).expand(batch), (y * scale_y).expand(batch))


def _warp(image: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Image ``(B, H, W)`` and its slope ``(2, B, H, W)`` where ``flow`` (2, B, H, W) leads; 0 outside."""
    height, width = image.shape[-2:]
    x, y = pixel_positions(image)
    x, y = x + flow[0], y + flow[1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    value, *slope = (part * inside for part in sample_with_slope(image, x, y))
    return value, torch.stack(slope)
