"""A few folds of small clips, and how they are trained."""

import functools
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import nn

from mer.datamodule import ClipDataset
from mer.engines import TrainedFold, Training
from mer.features import BranchFeatures, FlipBlur
from mer.features.inputs import ClipInputs, clip_inputs
from mer.flow import FlowMaps
from mer.models import DualBranchNet, STSTNet
from mer.protocols.folds import Fold
from mer.recognition import MicroExpressionModule, balanced_weights

SIZE_PX = 12
EPOCHS = 3
CPU = {"accelerator": "cpu", "max_epochs": EPOCHS}


def clips(n_clips: int = 30, device: str = "cpu") -> ClipDataset:
    """Three classes, of unequal numbers, that move right, left and down."""
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(4, (n_clips,), generator=generator).clamp_max(2)
    directions = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])[targets]
    noise = torch.randn(n_clips, 2, SIZE_PX, SIZE_PX, generator=generator)
    return ClipDataset(FlowMaps(directions[..., None, None] + noise), targets).to(device)


def folds(tests: tuple[int, ...] = (5, 3, 8, 4), n_clips: int = 30) -> list[Fold]:
    """Folds that test so many clips; of 25, 27, 22 and 26 in fours the last batches have a lonely clip, 3, 2 and 2."""
    rows, ends = np.arange(n_clips), np.cumsum(tests)
    return [
        Fold(np.delete(rows, rows[end - size : end]), rows[end - size : end], f"toy-s{number}")
        for number, (size, end) in enumerate(zip(tests, ends, strict=True))
    ]


def build_net(name: str) -> nn.Module:
    """A small network with dropout."""
    if name == "dual":
        return DualBranchNet(3, 2, (4, 6), input_size=SIZE_PX, head_size=2, dropout=0.3)
    return STSTNet(3, input_size=SIZE_PX)


def build_module(
    name: str, optimizer: Any, recognition: dict[str, Any], training: ClipDataset
) -> MicroExpressionModule:
    weights = balanced_weights(training.targets.cpu(), 3)
    return MicroExpressionModule(build_net(name), features_of(name), optimizer, 3, weights, 0.1, **recognition)


def features_of(name: str) -> BranchFeatures:
    return BranchFeatures(size=SIZE_PX) if name == "dual" else BranchFeatures(("u", "v", "eps"), (), size=SIZE_PX)


def build_inputs(name: str, augment: nn.Module, dataset: ClipDataset) -> ClipInputs:
    return clip_inputs(dataset.maps, features_of(name), augment)


def build_trainer(trainer_settings: dict[str, Any], **more: Any) -> pl.Trainer:
    quiet = dict.fromkeys(("enable_checkpointing", "enable_progress_bar", "enable_model_summary", "logger"), False)
    return pl.Trainer(**(quiet | trainer_settings | more))


def training(
    name: str = "dual",
    dataset: ClipDataset | None = None,
    optimizer: Any = None,
    watch_test: bool = False,
    recognition: dict[str, Any] | None = None,
    augment: nn.Module | None = None,
    **settings: Any,
) -> Training:
    """How the toys are trained; ``recognition`` is the module's besides its optimizer, ``settings`` the Trainer's."""
    trainer_settings = CPU | settings
    return Training(
        dataset or clips(),
        functools.partial(
            build_module, name, optimizer or functools.partial(torch.optim.Adam, lr=1e-2), recognition or {}
        ),
        functools.partial(build_inputs, name, augment or FlipBlur()),
        functools.partial(build_trainer, trainer_settings),
        trainer_settings,
        batch_size=4,
        seed=7,
        watch_test=watch_test,
    )


def silent(done: int, total: int) -> None:
    return


def train(engine: Any, which: list[Fold], how: Training) -> dict[str, TrainedFold]:
    """Fold's name -> result, of folds trained together."""
    return {trained.fold.subject: trained for trained in engine.train(which, how, silent)}


def check_equal(ours: TrainedFold, expected: TrainedFold, tolerance: float = 2e-3) -> None:
    """Equal epochs, predictions and weights."""
    np.testing.assert_allclose(ours.history, expected.history, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(ours.probabilities, expected.probabilities, rtol=tolerance, atol=tolerance)
    assert ours.seed == expected.seed
    assert ours.weights.keys() == expected.weights.keys()
    for weight, value in expected.weights.items():
        torch.testing.assert_close(ours.weights[weight], value, rtol=10 * tolerance, atol=10 * tolerance)
