"""The LightningModule: its loss, its predictions, and that a Trainer lowers the loss."""

from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mer.datamodule import ClipBatch, ClipDataset, LOSODataModule
from mer.errors import MerError
from mer.features import BranchFeatures, FlipBlur
from mer.flow import FlowMaps
from mer.models import DualBranchNet
from mer.protocols.folds import Fold
from mer.recognition import MicroExpressionModule, balanced_weights


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


class Negate(nn.Module):
    """An augmentation that nobody can overlook."""

    def forward(self, maps: FlowMaps) -> FlowMaps:
        return FlowMaps(-maps.flow)


def build(augment: nn.Module | None = None, **settings: Any) -> MicroExpressionModule:
    net = DualBranchNet(3, depth=1, widths=(8,), input_size=16)
    optimizer = partial(torch.optim.Adam, lr=1e-2)
    return MicroExpressionModule(
        net, BranchFeatures(size=16), augment or FlipBlur(flip=0, blur=0), optimizer, 3, **settings
    )


def training_loss(module: MicroExpressionModule, batch: ClipBatch) -> Tensor:
    """Loss of a training step outside a Trainer, where there is nothing to log to."""
    with patch.object(module, "log"):
        return module.training_step(batch, 0)


def separable(n_clips: int) -> ClipDataset:
    """Three classes that move right, left and down."""
    targets = torch.arange(n_clips) % 3
    directions = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])[targets]
    return ClipDataset(FlowMaps(directions[..., None, None] + 0.1 * torch.randn(n_clips, 2, 16, 16)), targets)


def batch_of(clips: ClipDataset) -> ClipBatch:
    return clips[list(range(len(clips)))]


def quiet_trainer(**settings: Any) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **settings,
    )


def test_balanced_weights_are_inverse_to_the_counts() -> None:
    targets = torch.tensor([0] * 6 + [1] * 3 + [3] * 3)
    weights = balanced_weights(targets, 4)
    torch.testing.assert_close(weights, torch.tensor([12 / 18, 12 / 9, 0, 12 / 9]))
    torch.testing.assert_close(weights[targets].mean(), torch.tensor(1.0))


def test_balanced_weights_of_equal_classes_are_one() -> None:
    torch.testing.assert_close(balanced_weights(torch.arange(12) % 3, 3), torch.ones(3))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 5.0, 0.5])])
def test_loss_is_the_weighted_smoothed_cross_entropy(weights: Tensor | None, smoothing: float) -> None:
    module = build(class_weights=weights, label_smoothing=smoothing).eval()
    batch = batch_of(separable(8))
    log = module(batch.maps).log_softmax(1)
    kept = torch.ones(3) if weights is None else weights
    truth = F.one_hot(batch.target, 3) * (1 - smoothing) + smoothing / 3
    expected = -(truth * kept * log).sum() / kept[batch.target].sum()
    torch.testing.assert_close(training_loss(module, batch), expected)


def test_class_weights_change_the_loss() -> None:
    batch, module = batch_of(separable(8)), build(class_weights=torch.tensor([1.0, 5.0, 0.5])).eval()
    weighted = training_loss(module, batch)
    module.class_weights = None
    assert abs(weighted - training_loss(module, batch)) > 1e-3


def test_predictions_are_probabilities_of_the_logits() -> None:
    module, batch = build().eval(), batch_of(separable(5))
    probabilities = module.predict_step(batch, 0)
    assert probabilities.shape == (5, 3)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(5))
    logits = module(batch.maps)
    torch.testing.assert_close(probabilities.log() - probabilities.log()[:, :1], logits - logits[:, :1])


def test_augmentation_serves_training_alone() -> None:
    batch = batch_of(separable(6))
    plain, augmented = build().eval(), build(Negate()).eval()
    augmented.load_state_dict(plain.state_dict())
    torch.testing.assert_close(augmented.predict_step(batch, 0), plain.predict_step(batch, 0), rtol=0, atol=0)
    mirrored = ClipBatch(FlowMaps(-batch.maps.flow), batch.target)
    torch.testing.assert_close(training_loss(augmented, batch), training_loss(plain, mirrored))
    assert abs(training_loss(augmented, batch) - training_loss(plain, batch)) > 1e-4


def test_published_strain_reaches_the_network() -> None:
    module, batch = build().eval(), batch_of(separable(4))
    strain = torch.rand(4, 1, 16, 16)
    with_strain = module.predict_step(batch._replace(maps=FlowMaps(batch.maps.flow, strain)), 0)
    assert not torch.allclose(with_strain, module.predict_step(batch, 0))


def test_optimizer_holds_the_networks_parameters() -> None:
    module = build()
    groups = module.configure_optimizers().param_groups
    assert sum(weight.numel() for group in groups for weight in group["params"]) == sum(
        weight.numel() for weight in module.net.parameters()
    )
    assert groups[0]["lr"] == 1e-2


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, "much"])
def test_label_smoothing_out_of_bounds_is_refused(smoothing: float) -> None:
    with pytest.raises(MerError, match=r"recognition\.label_smoothing"):
        build(label_smoothing=smoothing)


def test_class_weights_stay_out_of_the_checkpoint() -> None:
    assert "class_weights" not in build(class_weights=torch.ones(3)).state_dict()


def test_training_separates_what_is_separable() -> None:
    clips, module = separable(30), build(class_weights=torch.ones(3))
    data = LOSODataModule(clips, Fold(np.arange(6, 30), np.arange(6), "toy-s1"), batch_size=8)
    before = F.cross_entropy(module.eval()(clips.maps), clips.targets).item()
    trainer = quiet_trainer(max_epochs=4)
    trainer.fit(module.train(), datamodule=data)
    after = trainer.callback_metrics
    probabilities = torch.cat(trainer.predict(module, datamodule=data))
    assert after["train_loss"] < before / 2
    assert after["train_accuracy"] == 1
    assert torch.equal(probabilities.argmax(1), clips.targets[:6])
