"""The LightningModule of one fold: clips in, class probabilities out."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, runtime_checkable

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mer.datamodule import InputBatch
from mer.errors import MerError, require_number
from mer.features.augment import flip_maps
from mer.flow import FlowMaps

OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
Scheduler = torch.optim.lr_scheduler.LRScheduler
SchedulerFactory = Callable[[torch.optim.Optimizer], Scheduler]


@runtime_checkable
class OwnTerms(Protocol):
    """A network whose loss has terms of its own beside the cross-entropy."""

    def training_pass(self, *inputs_and_target: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and class numbers ``(B,)`` -> logits ``(B, C)`` and the terms' sum."""
        ...


class MicroExpressionModule(pl.LightningModule):
    """Trains a network on flow features with cross-entropy.

    Args:
        net: the features' maps -> logits.
        features: maps of clips -> the network's inputs.
        optimizer: parameters -> optimizer.
        num_classes: number of logits C.
        class_weights: ``(C,)`` weights of the loss, or None.
        label_smoothing: in [0, 1).
        scheduler: optimizer -> what sets its learning rate, stepped once an epoch; None for one rate throughout.
        flip_average: predict the mean of the probabilities of a clip and of its mirror image.

    Attributes:
        history: an (epoch, train_loss, train_accuracy) an epoch, both means over clips.
    """

    def __init__(
        self,
        net: nn.Module,
        features: nn.Module,
        optimizer: OptimizerFactory,
        num_classes: int,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
        scheduler: SchedulerFactory | None = None,
        flip_average: bool = False,
    ) -> None:
        super().__init__()
        self.net, self.features = net, features
        self.num_classes = num_classes
        self.make_optimizer, self.make_scheduler = optimizer, scheduler
        self.flip_average = flip_average
        self.label_smoothing = require_number("recognition.label_smoothing", label_smoothing, 0, 0.999)
        self.register_buffer("class_weights", class_weights, persistent=False)
        self.history: list[tuple[int, float, float]] = []
        self._sums: list[Tensor] = []

    def forward(self, maps: FlowMaps) -> Float[Tensor, "batch classes"]:
        """Maps of ``B`` clips -> logits ``(B, C)``."""
        logits: Tensor = self.net(*self.features(maps))
        return logits

    def probabilities(self, maps: FlowMaps) -> Float[Tensor, "batch classes"]:
        """Maps of ``B`` clips -> class probabilities ``(B, C)``, averaged over mirror images where asked for."""
        views = [maps, flip_maps(maps)] if self.flip_average else [maps]
        return torch.stack([self(view).float().softmax(dim=-1) for view in views]).mean(0)

    def training_step(self, batch: InputBatch, _: int) -> Tensor:
        """Loss of a batch; loss and accuracy are summed on the device and read once an epoch."""
        logits, terms = training_pass(self.net, batch)
        weights = self.class_weights if isinstance(self.class_weights, Tensor) else None
        loss = F.cross_entropy(logits, batch.target, weights, label_smoothing=self.label_smoothing) + terms
        hits = (logits.detach().argmax(-1) == batch.target).sum()
        rows = len(batch.target)
        self._sums.append(torch.stack([loss.detach() * rows, hits, hits.new_tensor(rows)]))
        return loss

    def on_train_epoch_end(self) -> None:
        """Read the epoch's means."""
        loss, hits, rows = torch.stack(self._sums).double().sum(0).tolist()
        self._sums.clear()
        self.history.append((self.current_epoch, loss / rows, hits / rows))
        self.log_dict({"train_loss": loss / rows, "train_accuracy": hits / rows})

    def predict_step(self, batch: InputBatch, _: int) -> Tensor:
        """Class probabilities ``(B, C)``."""
        probabilities: Tensor = self.net(*batch.inputs).float().softmax(dim=-1)
        return probabilities

    def configure_optimizers(self) -> Any:
        """The optimizer over the network's parameters, and what sets its learning rate from epoch to epoch."""
        optimizer = build_optimizer(self.make_optimizer, self.net)
        if self.make_scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": build_scheduler(self.make_scheduler, optimizer)}

    def lr_scheduler_step(self, scheduler: Scheduler, metric: object) -> None:
        """Go on to the next epoch's learning rate."""
        next_epoch(scheduler)


def build_optimizer(make: OptimizerFactory, net: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of the parameters of ``net``.

    Raises:
        MerError: its settings are none that it takes.
    """
    try:
        return make(net.parameters())
    except (TypeError, ValueError, RuntimeError) as error:
        raise MerError("settings of recognition.optimizer that it takes", str(error), "change them") from error


def build_scheduler(make: SchedulerFactory, optimizer: torch.optim.Optimizer) -> Scheduler:
    """The scheduler of ``optimizer``.

    Raises:
        MerError: its settings do not fit, or it follows a measure, of which training clips have none.
    """
    try:
        scheduler = make(optimizer)
    except (TypeError, ValueError) as error:
        raise MerError("settings of recognition.scheduler that it takes", str(error), "change them") from error
    if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
        got = f"{type(scheduler).__name__}, which follows a score"
        raise MerError("a recognition.scheduler that goes by the epoch alone", got, "choose CosineAnnealingLR, say")
    return scheduler


def next_epoch(scheduler: Scheduler) -> None:
    """Step ``scheduler``, which is at the end of an epoch.

    Raises:
        MerError: it was not made for so many epochs.
    """
    try:
        scheduler.step()
    except ValueError as error:
        raise MerError(
            "a recognition.scheduler for all of trainer.max_epochs", str(error), "set its total_steps to that number"
        ) from error


def training_pass(net: nn.Module, batch: InputBatch) -> tuple[Tensor, Tensor | float]:
    """Logits of a batch, and what its loss has beside the cross-entropy: nothing, but for :class:`OwnTerms`."""
    if isinstance(net, OwnTerms):
        return net.training_pass(*batch.inputs, batch.target)
    return net(*batch.inputs), 0.0


def balanced_weights(targets: Tensor, num_classes: int) -> Tensor:
    """Weights ``(C,)`` inverse to the class counts of the training clips, mean 1 over clips; 0 for an absent class."""
    counts = torch.bincount(targets, minlength=num_classes).float()
    present = counts > 0
    return torch.where(present, len(targets) / (present.sum() * counts.clamp_min(1)), torch.zeros_like(counts))
