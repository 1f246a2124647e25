"""The LightningModule: its loss, its predictions, and that a Trainer lowers the loss."""

from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from mer.datamodule import ClipDataset, InputBatch, LOSODataModule
from mer.errors import MerError
from mer.features import BranchFeatures, FlipBlur
from mer.features.augment import flip_maps
from mer.features.inputs import TabledInputs
from mer.flow import FlowMaps
from mer.models import DualBranchNet
from mer.protocols.folds import Fold
from mer.recognition import MicroExpressionModule, balanced_weights


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def build(**settings: Any) -> MicroExpressionModule:
    net = DualBranchNet(3, depth=1, widths=(8,), input_size=16)
    optimizer = partial(torch.optim.Adam, lr=1e-2)
    return MicroExpressionModule(net, BranchFeatures(size=16), optimizer, 3, **settings)


def training_loss(module: MicroExpressionModule, batch: InputBatch) -> Tensor:
    return module.training_step(batch, 0)


def separable(n_clips: int) -> ClipDataset:
    """Three classes that move right, left and down."""
    targets = torch.arange(n_clips) % 3
    directions = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])[targets]
    return ClipDataset(FlowMaps(directions[..., None, None] + 0.1 * torch.randn(n_clips, 2, 16, 16)), targets)


def batch_of(clips: ClipDataset) -> InputBatch:
    return InputBatch(BranchFeatures(size=16)(clips.maps), clips.targets)


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
    log = module.net(*batch.inputs).log_softmax(1)
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
    module, clips = build().eval(), separable(5)
    probabilities = module.predict_step(batch_of(clips), 0)
    assert probabilities.shape == (5, 3)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(5))
    logits = module(clips.maps)
    torch.testing.assert_close(probabilities.log() - probabilities.log()[:, :1], logits - logits[:, :1])


def test_published_strain_reaches_the_network() -> None:
    module, maps = build().eval(), separable(4).maps
    assert not torch.allclose(module(FlowMaps(maps.flow, torch.rand(4, 1, 16, 16))), module(maps))


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
    inputs = TabledInputs(clips.maps, BranchFeatures(size=16), FlipBlur(flip=0, blur=0))
    draws = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    data = LOSODataModule(inputs, clips.targets, Fold(np.arange(6, 30), np.arange(6), "toy-s1"), 8, *draws)
    before = F.cross_entropy(module.eval()(clips.maps), clips.targets).item()
    trainer = quiet_trainer(max_epochs=4)
    trainer.fit(module.train(), datamodule=data)
    epochs, losses, accuracies = zip(*module.history, strict=True)
    assert epochs == (0, 1, 2, 3)
    assert losses[-1] < before / 2
    assert accuracies[-1] == 1
    assert trainer.callback_metrics["train_loss"] == pytest.approx(losses[-1])
    probabilities = torch.cat(trainer.predict(module, datamodule=data))
    assert torch.equal(probabilities.argmax(1), clips.targets[:6])


def test_an_epochs_loss_and_accuracy_are_means_over_its_clips() -> None:
    module, clips = build().eval(), separable(7)
    batches = [batch_of(clips.subset(rows)) for rows in (range(5), range(5, 7))]
    losses = [module.training_step(batch, 0).item() for batch in batches]
    with patch.object(module, "log_dict"), patch.object(MicroExpressionModule, "current_epoch", 3):
        module.on_train_epoch_end()
    hits = (module(clips.maps).argmax(1) == clips.targets).float().mean().item()
    assert module.history == [(3, pytest.approx((5 * losses[0] + 2 * losses[1]) / 7), pytest.approx(hits))]


def test_a_networks_own_terms_are_added_to_its_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    module, clips = build(label_smoothing=0.1), separable(6)
    batch = InputBatch(module.features(clips.maps), clips.targets)
    plain = training_loss(module, batch)

    def training_pass(net: DualBranchNet, *inputs_and_target: Tensor) -> tuple[Tensor, Tensor]:
        *inputs, target = inputs_and_target
        return net(*inputs), target.sum() * 2.0

    monkeypatch.setattr(DualBranchNet, "training_pass", training_pass, raising=False)
    torch.testing.assert_close(training_loss(module, batch), plain + 2 * clips.targets.sum())


def test_probabilities_are_averaged_over_mirror_images_where_asked_for() -> None:
    module, maps = build().eval(), separable(5).maps
    alone = module.probabilities(maps)
    torch.testing.assert_close(alone, module(maps).softmax(-1))
    module.flip_average = True
    torch.testing.assert_close(module.probabilities(maps), (alone + module(flip_maps(maps)).softmax(-1)) / 2)
    assert not torch.allclose(module.probabilities(maps), alone)
