"""The LightningModule that trains F folds as one network."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from typing import NamedTuple

import pytorch_lightning as pl
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mer.datamodule import EpochRows, batches_per_epoch
from mer.engines.batch_sizes import BatchSizes
from mer.engines.layers import StackedConv2d
from mer.engines.stack import stack_nets, unstack
from mer.engines.training import FoldDraws, Training
from mer.errors import MerError
from mer.features.inputs import fill_up
from mer.protocols.folds import Fold
from mer.recognition import MicroExpressionModule, Scheduler, build_optimizer, build_scheduler, next_epoch

OnFoldEpoch = Callable[[int], None]


class StackBatch(NamedTuple):
    """A batch of every fold: inputs, each ``(B, F, ...)``, targets ``(B, F)``, and the clips that are its own."""

    inputs: tuple[Tensor, ...]
    target: Tensor
    sizes: list[int]


class StackBatches:
    """All batches of all epochs. Each fold goes on to its next epoch by itself, in the order it has alone.

    A fold that is done gets its first batch again and again; what that makes of it is never looked at.
    """

    def __init__(self, folds: Sequence[Fold], training: Training, draws: Sequence[FoldDraws], epochs: int) -> None:
        self._training, self._draws = training, draws
        self._rows = [
            EpochRows(fold.train.tolist(), training.batch_size, draw.order)
            for fold, draw in zip(folds, draws, strict=True)
        ]
        self._epochs = epochs

    def __len__(self) -> int:
        return max(map(len, self._rows)) * self._epochs

    def __iter__(self) -> Iterator[StackBatch]:
        streams = [self._stream(rows) for rows in self._rows]
        return (self._batch([next(stream) for stream in streams]) for _ in range(len(self)))

    def _stream(self, rows: EpochRows) -> Iterator[Tensor]:
        first: list[Tensor] = []
        for batch in chain.from_iterable(repeat(rows, self._epochs)):
            first = first or [batch]
            yield batch
        yield from repeat(first[0])

    def _batch(self, rows: list[Tensor]) -> StackBatch:
        targets = self._training.clips.targets
        inputs = self._training.inputs.augmented(rows, [draw.augment for draw in self._draws])
        return StackBatch(inputs, targets[fill_up(rows).to(targets.device)], list(map(len, rows)))


class FoldStack(pl.LightningModule):
    """Trains the networks of F modules side by side; none of them sees another.

    Args:
        modules: fresh modules of the folds.
        folds: the folds.
        training: how they are trained.
        draws: the folds' sources of chance.
        epochs: that each fold is trained for.
        channels_last: keep activations with channels innermost.
        on_fold_epoch: called with a fold's number after each of its epochs, its network then being up to date.

    Attributes:
        weights: for each fold the state after its last step.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        modules: Sequence[MicroExpressionModule],
        folds: Sequence[Fold],
        training: Training,
        draws: Sequence[FoldDraws],
        epochs: int,
        on_fold_epoch: OnFoldEpoch,
        channels_last: bool,
    ) -> None:
        super().__init__()
        self._template, self._epochs, self._on_fold_epoch = modules[0], epochs, on_fold_epoch
        self._sizes = BatchSizes(len(folds))
        example = training.inputs.plain(torch.as_tensor(folds[0].train[:1]))
        nets = [module.net.to(example[0].device) for module in modules]
        example = tuple(one.to(next(nets[0].parameters()).dtype) for one in example)
        self.net: nn.Module = stack_nets(nets, self._sizes, [draw.dropout for draw in draws], example)
        if channels_last:
            for layer in self.net.modules():
                if isinstance(layer, StackedConv2d):
                    layer.channels_last()
        weights = [module.class_weights for module in modules if isinstance(module.class_weights, Tensor)]
        self.register_buffer("class_weights", torch.stack(weights) if weights else None, persistent=False)
        self._steps = [batches_per_epoch(len(fold.train), training.batch_size) for fold in folds]
        self._scheduler: Scheduler | None = None
        self._sums: list[Tensor] = []
        self._counts: list[list[int]] = []
        self.weights: dict[int, dict[str, Tensor]] = {}

    def training_step(self, batch: StackBatch, _: int) -> Tensor:
        """Sum of the folds' losses, whose gradient is each fold's own."""
        self._sizes.set(batch.sizes, batch.target.device)
        logits = self.net(*batch.inputs)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        mask = self._sizes.mask
        losses = fold_losses(logits, batch.target, self.class_weights, self._template.label_smoothing, mask)
        hits = (logits.detach().argmax(-1) == batch.target).float()
        hits = (hits if mask is None else hits * mask).sum(0)
        self._sums.append(torch.stack([losses.detach(), hits]))
        self._counts.append(batch.sizes)
        return losses.sum()

    def on_train_batch_end(self, outputs: object, batch: StackBatch, batch_idx: int) -> None:
        """Keep the folds that end here, and tell of those whose epoch ends."""
        for fold, steps in enumerate(self._steps):
            epoch, rest = divmod(batch_idx + 1, steps)
            if rest or epoch > self._epochs:
                continue
            if epoch == self._epochs:
                self.weights[fold] = unstack(self.net, fold)
            self._on_fold_epoch(fold)
        if self._scheduler is not None and (batch_idx + 1) % self._steps[0] == 0:
            next_epoch(self._scheduler)

    def histories(self) -> list[list[tuple[int, float, float]]]:
        """For each fold an (epoch, train_loss, train_accuracy) an epoch, both means over clips."""
        losses, hits = torch.stack(self._sums, dim=1).double().cpu()
        counts = torch.tensor(self._counts, dtype=torch.float64)
        return [
            [
                _mean_of(epoch, *(one[epoch * steps : (epoch + 1) * steps, fold] for one in (losses, hits, counts)))
                for epoch in range(self._epochs)
            ]
            for fold, steps in enumerate(self._steps)
        ]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The modules' optimizer, over all folds' parameters; its learning rate is one for all folds.

        Raises:
            MerError: the rate goes by the epoch, and the folds' epochs differ in length.
        """
        optimizer = build_optimizer(self._template.make_optimizer, self.net)
        if self._template.make_scheduler is not None:
            if len(set(self._steps)) > 1:
                raise MerError("folds of one number of steps an epoch for recognition.scheduler in a stack",
                               ", ".join(map(str, sorted(set(self._steps)))), "set engine=sequential")  # fmt: skip
            self._scheduler = build_scheduler(self._template.make_scheduler, optimizer)
        return optimizer


def _mean_of(epoch: int, losses: Tensor, hits: Tensor, counts: Tensor) -> tuple[int, float, float]:
    n_clips = counts.sum()
    return epoch, float((losses * counts).sum() / n_clips), float(hits.sum() / n_clips)


def fold_losses(
    logits: Float[Tensor, "batch fold classes"],
    targets: Int[Tensor, "batch fold"],
    class_weights: Float[Tensor, "fold classes"] | None,
    label_smoothing: float,
    mask: Float[Tensor, "batch fold"] | None,
) -> Float[Tensor, " fold"]:
    """Each fold's cross-entropy, as ``torch.nn.functional.cross_entropy`` has it for the clips that are its own.

    With class weights w it is the sum over clips of ``(1 - s) w_y (-log p_y) + s / C sum_c w_c (-log p_c)``, over the
    sum of their w_y.
    """
    surprise = -logits.log_softmax(-1)
    weights = torch.ones_like(surprise[0]) if class_weights is None else class_weights
    of_clips = weights.expand_as(surprise).gather(-1, targets[..., None])[..., 0]
    losses = (1 - label_smoothing) * of_clips * surprise.gather(-1, targets[..., None])[..., 0]
    if label_smoothing:
        losses = losses + label_smoothing * (weights * surprise).mean(-1)
    if mask is not None:
        losses, of_clips = losses * mask, of_clips * mask
    return losses.sum(0) / of_clips.sum(0)
