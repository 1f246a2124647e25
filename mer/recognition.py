"""The LightningModule: flow in, class probabilities out."""

from collections.abc import Callable, Iterable

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torchmetrics import Accuracy

from mer.datamodule import ClipBatch
from mer.errors import require_number
from mer.flow import FlowMaps

OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


class MicroExpressionModule(pl.LightningModule):
    """Trains a network on augmented flow features with cross-entropy.

    Args:
        net: the features' maps -> logits.
        features: maps of clips -> the network's inputs.
        augment: maps of clips -> the same, changed; used in training alone.
        optimizer: parameters -> optimizer.
        num_classes: number of logits C.
        class_weights: ``(C,)`` weights of the loss, or None.
        label_smoothing: in [0, 1).
    """

    def __init__(
        self,
        net: nn.Module,
        features: nn.Module,
        augment: nn.Module,
        optimizer: OptimizerFactory,
        num_classes: int,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.net, self.features, self.augment = net, features, augment
        self._optimizer = optimizer
        self.label_smoothing = require_number("recognition.label_smoothing", label_smoothing, 0, 0.999)
        self.register_buffer("class_weights", class_weights, persistent=False)
        self.train_accuracy = Accuracy(task="multiclass", num_classes=num_classes)

    def forward(self, maps: FlowMaps) -> Float[Tensor, "batch classes"]:
        """Maps of ``B`` clips -> logits ``(B, C)``."""
        logits: Tensor = self.net(*self.features(maps))
        return logits

    def training_step(self, batch: ClipBatch, _: int) -> Tensor:
        """Loss of a batch; loss and accuracy are logged an epoch."""
        logits = self(self.augment(batch.maps))
        weights = self.class_weights if isinstance(self.class_weights, Tensor) else None
        loss = F.cross_entropy(logits, batch.target, weights, label_smoothing=self.label_smoothing)
        self.train_accuracy(logits, batch.target)
        rows = len(batch.target)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=rows)
        self.log("train_accuracy", self.train_accuracy, on_step=False, on_epoch=True, batch_size=rows)
        return loss

    def predict_step(self, batch: ClipBatch, _: int) -> Tensor:
        """Class probabilities ``(B, C)``."""
        probabilities: Tensor = self(batch.maps).softmax(dim=-1)
        return probabilities

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer over the network's parameters."""
        return self._optimizer(self.net.parameters())


def balanced_weights(targets: Tensor, num_classes: int) -> Tensor:
    """Weights ``(C,)`` inverse to the class counts of the training clips, mean 1 over clips; 0 for an absent class."""
    counts = torch.bincount(targets, minlength=num_classes).float()
    present = counts > 0
    return torch.where(present, len(targets) / (present.sum() * counts.clamp_min(1)), torch.zeros_like(counts))
