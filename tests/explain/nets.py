"""Networks that class activation maps are made of, and their inputs."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mer.models import (
    DualBranchNet,
    DualInceptionNet,
    DualStreamShallowNet,
    OffApexNet,
    RecurrentConvNet,
    STSTNet,
)

SIZE_PX = 28
# name -> network of three classes, channels of its inputs, and their side
NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "dual_branch": (lambda: DualBranchNet(3, depth=3, widths=[4, 6]), (3, 3), 112),
    "dual_branch, few blocks": (lambda: DualBranchNet(3, depth=2, widths=[4, 4, 4, 4], input_size=32), (3, 3), 32),
    "ststnet": (lambda: STSTNet(3), (3,), 28),
    "off_apexnet": (lambda: OffApexNet(3), (1, 1), 28),
    "dual_inception": (lambda: DualInceptionNet(3), (1, 1), 28),
    "rcn_a": (lambda: RecurrentConvNet(3, input_size=60, width=4), (3,), 60),
    "dssn": (lambda: DualStreamShallowNet(3, input_size=113), (1, 1), 113),
}


def dual_branch(**settings: object) -> DualBranchNet:
    """A small dual-branch network in double precision, with running statistics other than a fresh one's."""
    torch.manual_seed(0)
    chosen = {"depth": 2, "widths": [4, 6], "input_size": SIZE_PX} | settings
    net = DualBranchNet(3, **chosen).double()  # type: ignore[arg-type]
    net(*inputs(16, 1))  # in training mode
    return net.eval()


def inputs(clips: int = 4, seed: int = 0) -> list[Tensor]:
    """Inputs of both branches, ``(clips, 3, 28, 28)``."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(clips, 3, SIZE_PX, SIZE_PX, dtype=torch.float64, generator=generator) for _ in range(2)]
