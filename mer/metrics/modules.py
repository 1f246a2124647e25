"""The scores as torchmetrics, for training loops, and the landmark error."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from mer.metrics.functional import Counts, confusion_matrix, mean_landmark_error, uar, uf1


class PooledScore(Metric):
    """A score of the confusion matrix pooled over all updates; never a mean of per-batch or per-fold scores.

    Args:
        num_classes: number of classes C.
        score: function of the confusion matrix ``(C, C)``.
    """

    full_state_update = False
    confusion: Tensor

    def __init__(self, num_classes: int, score: Callable[[Counts], float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.score = score
        empty = torch.zeros(num_classes, num_classes, dtype=torch.int64)
        self.add_state("confusion", empty, dist_reduce_fx="sum")

    def update(self, predictions: Tensor, targets: Tensor) -> None:
        """Add class numbers or logits ``(N,)`` / ``(N, C)`` and class numbers ``(N,)``.

        Raises:
            MerError: the lengths differ, or a class number is outside 0..C-1.
        """
        labels = predictions.argmax(-1) if predictions.ndim == 2 else predictions
        counts = confusion_matrix(targets.cpu(), labels.cpu(), self.num_classes)
        self.confusion += torch.from_numpy(counts).to(self.confusion.device)

    def compute(self) -> Tensor:
        """The score of everything seen so far, a scalar."""
        return torch.tensor(self.score(self.confusion.cpu().numpy()))


class UF1(PooledScore):
    """Unweighted F1, see :func:`mer.metrics.uf1`."""

    def __init__(self, num_classes: int, **kwargs: Any) -> None:
        super().__init__(num_classes, uf1, **kwargs)


class UAR(PooledScore):
    """Unweighted average recall, see :func:`mer.metrics.uar`."""

    def __init__(self, num_classes: int, **kwargs: Any) -> None:
        super().__init__(num_classes, uar, **kwargs)


class MeanLandmarkError(Metric):
    r"""Mean over all faces of the landmark error AE of :func:`mer.metrics.mean_landmark_error` (paper, eq. 1-2).

    :math:`AE = \frac{1}{N} \sum_k \lVert x_k - y_k \rVert_2 / \sqrt{w h}`, w and h of the true points' bounding box.

    >>> square = torch.tensor([[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]]])
    >>> metric = MeanLandmarkError()
    >>> metric.update(square + torch.tensor([3.0, 0.0]), square)
    >>> metric.update(square, square)
    >>> metric.compute()
    tensor(0.3750)
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = False
    total: Tensor
    faces: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("faces", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, found: Tensor, truth: Tensor) -> None:
        """Add found and true points ``(B, N, 2)``, px.

        Raises:
            MerError: the shapes differ, are not ``(B, N, 2)``, or a true face's box is empty.
        """
        errors = mean_landmark_error(truth.detach().cpu(), found.detach().cpu())
        self.total += float(errors.sum())
        self.faces += len(errors)

    def compute(self) -> Tensor:
        """The mean over all faces seen so far, a scalar; NaN before the first."""
        return (self.total / self.faces).float()
