"""What every network over flow maps must do."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def count_parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def random_inputs(batch: int, channels: Sequence[int], size: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(batch)
    return [torch.randn(batch, count, size, size, generator=generator) for count in channels]


def random_clips(batch: int, frames: int, channels: Sequence[int], size: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(batch)
    return [torch.randn(batch, frames, count, size, size, generator=generator) for count in channels]


def check_batch_does_not_matter(net: nn.Module, inputs: Sequence[Tensor]) -> None:
    """A clip's logits are its own in evaluation, whatever else is in the batch."""
    net.eval()
    together = net(*inputs)
    alone = torch.cat([net(*(one[row : row + 1] for one in inputs)) for row in range(len(inputs[0]))])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    assert together.std() > 1e-6


def check_learns_by_heart(net: nn.Module, inputs: Sequence[Tensor], lr: float, steps: int) -> None:
    """Ten clips can be learnt by heart: every layer takes part."""
    targets = torch.arange(len(inputs[0])) % 3
    before = [parameter.detach().clone() for parameter in net.parameters()]
    optimizer = torch.optim.Adam(net.parameters(), lr)
    net.train()
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(*inputs), targets).backward()
        optimizer.step()
    assert torch.equal(net.eval()(*inputs).argmax(1), targets)
    assert not any(map(torch.equal, before, net.parameters()))
