"""Dropout whose draws are a fold's own."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mer.engines.batch_sizes import BatchSizes


class FoldDropout(nn.Module):
    """Dropout of one fold or of a stack of them, each with its own generator.

    A fold draws its ``(b, ...)`` values alone as it does among others, so that it drops the same.

    Args:
        p: probability of a zero.
        generators: one a fold, on the device of the activations.
        stack: ``(B, F, ...)`` activations if given, with the folds' numbers of clips b; else ``(b, ...)`` of one fold.
    """

    def __init__(self, p: float, generators: Sequence[torch.Generator], stack: BatchSizes | None = None) -> None:
        super().__init__()
        self.p = p
        self._generators = list(generators)
        self._stack = stack

    def forward(self, activations: Tensor) -> Tensor:
        """Zero with probability p, scale the others by 1 / (1 - p); in evaluation the identity."""
        if not self.training or self.p == 0:
            return activations
        if self.p == 1:
            return activations * 0
        kept = self._draws(activations).ge_(self.p).mul_(1 / (1 - self.p))  # numbers: by booleans it is slower
        return activations * kept.to(activations.dtype)

    def _draws(self, activations: Tensor) -> Tensor:
        device = activations.device
        if self._stack is None:
            return torch.rand(activations.shape, generator=self._generators[0], dtype=torch.float32, device=device)
        n_clips, n_folds, *rest = activations.shape
        draws = torch.ones(n_folds, n_clips, *rest, dtype=torch.float32, device=device)
        for fold, size, generator in zip(draws, self._stack.of(n_clips), self._generators, strict=True):
            fold[:size].uniform_(generator=generator)
        return draws.transpose(0, 1)


def own_dropout(net: nn.Module, generator: torch.Generator) -> None:
    """Let every dropout layer of a fold's network draw from the fold's generator."""
    for name, child in net.named_children():
        if type(child) is nn.Dropout:
            setattr(net, name, FoldDropout(child.p, [generator]))
        else:
            own_dropout(child, generator)
