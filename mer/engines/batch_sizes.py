"""How many clips of a stacked batch are each fold's own."""

from collections.abc import Sequence

import torch
from torch import Tensor


class BatchSizes:
    """The numbers of clips of the folds in the batch in hand, which all layers of a stack look at.

    Attributes:
        mask: ``(B, F)``, 1 where a clip is a fold's own; None where all are.
    """

    def __init__(self, n_folds: int) -> None:
        self._n_folds = n_folds
        self._sizes: list[int] | None = None
        self.mask: Tensor | None = None

    def set(self, sizes: Sequence[int], device: torch.device) -> None:
        """Take up a batch."""
        longest = max(sizes)
        self._sizes = list(sizes)
        full = min(sizes) == longest
        counts = torch.tensor(self._sizes)
        self.mask = None if full else (torch.arange(longest)[:, None] < counts).float().to(device)

    def of(self, n_clips: int) -> list[int]:
        """Clips of each fold in a batch of ``n_clips``."""
        return [n_clips] * self._n_folds if self._sizes is None else self._sizes
