"""The inner loop of TV-L1 flow: steps of Chambolle's dual scheme on a linearised data term.

The loop is bound by memory, so it runs in place on few buffers. Component first, ``(2, B, H, W)``, all its arrays are
read as one line: the neighbour below is ``W`` further, and what would run over into the next row or image is 0, because
forward differences are 0 at the far border.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_FLAT = 1e-10  # squared gradient below which a pixel tells nothing
CHECK_EVERY = 10  # steps between looks at which pairs have converged


@dataclass(frozen=True)
class Stopping:
    """When a pair is done.

    Attributes:
        epsilon_px: root mean square of a step's update below which a pair has converged.
        most_steps: steps after which it ends anyhow.
    """

    epsilon_px: float
    most_steps: int


def minimise(
    flow: Float[Tensor, "2 batch height width"],
    dual: Float[Tensor, "2 2 batch height width"],
    constant: Float[Tensor, "batch height width"],
    slope: Float[Tensor, "2 batch height width"],
    weights: tuple[float, float, float],
    stopping: Stopping,
    dtype: torch.dtype,
) -> tuple[Float[Tensor, "2 batch height width"], Float[Tensor, "2 2 batch height width"]]:
    """Minimise ``TV(u) + TV(v) + lambda |constant + slope . (u, v)|`` from where ``flow`` and ``dual`` are.

    Every pair stops when it has converged and leaves the work; none depends on those beside it.

    Args:
        flow: u and v, in px.
        dual: along x and along y, of u and of v; |dual| <= 1.
        constant: brightness residual at no flow.
        slope: of the second image, along x and y.
        weights: tau, lambda, theta.
        stopping: looked at after every 10 steps.
        dtype: of the steps.
    """
    tau, _, theta = weights
    rate = tau / theta
    steps = _Steps.begin(flow, dual, constant, slope, weights, dtype)
    out_flow, out_dual = torch.empty_like(flow), torch.empty_like(dual)
    rows = torch.arange(flow.shape[1], device=flow.device)
    done = 0
    while True:
        number = min(CHECK_EVERY, stopping.most_steps - done)
        for _ in range(number):
            steps.step()
        done += number
        active = steps.mean_square_update() > (rate * stopping.epsilon_px) ** 2
        if done == stopping.most_steps:
            active = torch.zeros_like(active)
        elif active.all():
            continue
        ended = rows[~active]
        out_flow[:, ended] = steps.flow()[:, ~active].to(flow.dtype) / rate
        out_dual[:, :, ended] = steps.dual()[:, :, ~active].to(flow.dtype)
        if not active.any():
            return out_flow, out_dual
        rows = rows[active]
        steps = steps.of(active)


class _Steps:
    """Buffers of one batch and one step on them.

    Flow is kept times tau / theta, the residual and its bound in px of that, so that no factor costs a pass.
    """

    def __init__(self, flow: Tensor, dual: Tensor, offset: Tensor, limit: Tensor, normal: Tensor, tau: float) -> None:
        self.tau = tau
        self.shape = batch, height, width = offset.shape
        self.offset, self.limit, self.normal = (part.reshape(-1, offset.numel()) for part in (offset, limit, normal))
        self._lower = -self.limit
        self._now, self._next = flow.reshape(-1), flow.new_empty(flow.numel())
        # A row of zeros before the dual is what the first row sees above it.
        padded = flow.new_zeros(2, width + flow.numel())
        self._dual = padded[:, width:]
        self._dual.copy_(dual.reshape(2, -1))
        self._before_x, self._before_y = padded[0, width - 1 : -1], padded[1, :-width]
        self._slopes = torch.zeros_like(self._dual)
        self._far_x = self._slopes[0].view(2 * batch * height, width)[:, -1]
        self._far_y = self._slopes[1].view(2 * batch, height, width)[:, -1]
        self._length = torch.empty_like(self._now)
        self._residual = torch.empty_like(self.offset)

    @classmethod
    def begin(
        cls,
        flow: Tensor,
        dual: Tensor,
        constant: Tensor,
        slope: Tensor,
        weights: tuple[float, float, float],
        dtype: torch.dtype,
    ) -> "_Steps":
        tau, lambda_, theta = weights
        rate = tau / theta
        square = slope.square().sum(0)
        inverse = torch.where(square >= _FLAT, square.clamp_min(_FLAT).rsqrt(), 0)
        # lambda theta |slope| tau / theta
        offset, limit = constant * inverse * rate, square.sqrt() * (lambda_ * tau)
        normal = (slope * inverse).to(dtype)
        return cls((flow * rate).to(dtype), dual.to(dtype), offset.to(dtype), limit.to(dtype), normal, tau)

    def step(self) -> None:
        """One step of the flow and one of the dual."""
        flow, smooth, residual, count = self._now, self._next, self._residual, self.offset.numel()
        # Data term: along the image's slope to where the residual is 0, or as far as the bound lets.
        torch.addcmul(self.offset, self.normal[:1], flow[:count].view(1, -1), out=residual)
        residual.addcmul_(self.normal[1:], flow[count:].view(1, -1))
        torch.clamp(residual, self._lower, self.limit, out=residual)
        torch.addcmul(flow.view(2, -1), residual, self.normal, value=-1, out=smooth.view(2, -1))
        # Plus the dual's divergence, the negative adjoint of the forward difference.
        smooth.add_(self._dual[0], alpha=self.tau).sub_(self._before_x, alpha=self.tau)
        smooth.add_(self._dual[1], alpha=self.tau).sub_(self._before_y, alpha=self.tau)
        width = self.shape[2]
        torch.sub(smooth[1:], smooth[:-1], out=self._slopes[0, :-1])
        torch.sub(smooth[width:], smooth[:-width], out=self._slopes[1, :-width])
        self._far_x.zero_()
        self._far_y.zero_()
        torch.mul(self._slopes[0], self._slopes[0], out=self._length)
        self._length.addcmul_(self._slopes[1], self._slopes[1]).sqrt_().add_(1)
        self._dual.add_(self._slopes).div_(self._length)
        self._now, self._next = smooth, flow

    def mean_square_update(self) -> Float[Tensor, " batch"]:
        """Mean over a pair's pixels of what the last step added to its flow, squared."""
        batch, height, width = self.shape
        update = (self._now - self._next).float().square_()
        return update.view(2, batch, -1).sum(2).sum(0) / (height * width)

    def flow(self) -> Float[Tensor, "2 batch height width"]:
        """The flow times tau / theta."""
        return self._now.view(2, *self.shape)

    def dual(self) -> Float[Tensor, "2 2 batch height width"]:
        """The dual, along x and y, of u and v."""
        return self._dual.reshape(2, 2, *self.shape)

    def of(self, rows: Bool[Tensor, " batch"]) -> "_Steps":
        """The same of some pairs alone."""
        offset, limit = self.offset.view(self.shape)[rows], self.limit.view(self.shape)[rows]
        normal = self.normal.view(2, *self.shape)[:, rows]
        return _Steps(self.flow()[:, rows], self.dual()[:, :, rows], offset, limit, normal, self.tau)
