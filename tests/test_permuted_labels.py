"""Every model of conf/model under LOSO: at chance where the training labels are shuffled, above it where they are not.

A model, an engine or a fold that let anything of the test labels through would stay above chance on shuffled ones; the
same clips with their own labels show that the test could see it.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from hydra.utils import instantiate

from mer.bench.loso import train_all
from mer.datamodule import ClipDataset
from mer.engines import ClassicalEngine, Engine, SequentialEngine, StackedEngine, Training
from mer.features import FlipBlur
from mer.features.inputs import ClipInputs, clip_inputs
from mer.protocols import Fold, loso
from mer.recognition import MicroExpressionModule
from tests.models.zoo import CLASSES, MODELS, Part, part

SUBJECTS = 12  # a clip of each class each, so that guesses of shuffled labels are independent
# Those that were seen to learn these clips at this size and in so few epochs.
LEARNERS = ("bi_woof", "dual_branch", "flow_evm", "graph_tcn", "htnet", "off_apexnet", "rcn_a", "ststnet")
GUESSERS = ("chance", "majority")
# Through a stack, in a second; the others take a Lightning fit a fold.
STACKED = ("dual_branch", "off_apexnet", "ststnet")
QUICK = ("ststnet", *GUESSERS, "bi_woof")
EPOCHS = {"ststnet": 25, "htnet": 30, "elrcn": 30, "image_cnn": 30, "cnn_lstm": 30}
LR = {"image_cnn": 1e-3, "elrcn": 1e-3}
TARGETS = torch.arange(CLASSES).repeat(SUBJECTS)
CLIPS = pd.DataFrame({"dataset": "toy", "subject": [f"s{row // CLASSES:02d}" for row in range(len(TARGETS))]})
TRAINER = {"accelerator": "cpu", "devices": 1}


def build_module(chosen: Part, clips: ClipDataset) -> MicroExpressionModule:
    optimizer = partial(torch.optim.Adam, lr=LR.get(chosen.name, 3e-3))
    return MicroExpressionModule(
        chosen.net(torch.initial_seed() % 2**31), instantiate(chosen.features), optimizer, CLASSES
    )


def build_inputs(chosen: Part, clips: ClipDataset) -> ClipInputs:
    return clip_inputs(clips.maps, instantiate(chosen.features), FlipBlur(0, 0))


def build_trainer(settings: dict[str, Any], **more: Any) -> pl.Trainer:
    quiet = dict.fromkeys(("enable_checkpointing", "enable_progress_bar", "enable_model_summary", "logger"), False)
    return pl.Trainer(**(quiet | settings | more))


def training(chosen: Part, targets: torch.Tensor) -> Training:
    clips = ClipDataset(chosen.clips(TARGETS), targets)
    settings = TRAINER | {"max_epochs": EPOCHS.get(chosen.name, 15)}
    return Training(
        clips, partial(build_module, chosen), partial(build_inputs, chosen), partial(build_trainer, settings), settings,
        batch_size=12, seed=0,
    )  # fmt: skip


def engine_of(chosen: Part) -> Engine:
    if not chosen.is_network:
        return ClassicalEngine(instantiate(chosen.model), CLIPS["subject"].to_numpy(object), CLASSES)
    return StackedEngine(folds=SUBJECTS) if chosen.name in STACKED else SequentialEngine()


def shuffled(fold: Fold, number: int) -> torch.Tensor:
    """The labels of the training clips in another order, those of the test clips as they are."""
    targets = TARGETS.clone()
    order = np.random.default_rng(number).permutation(fold.train)
    targets[fold.train] = TARGETS[order]
    return targets


def hits(name: str, shuffle: bool) -> int:
    """Test clips that are recognised by their true class, of all folds."""
    chosen, folds = part(name), loso(CLIPS)
    found = 0
    # A fold's labels are shuffled alone; those that keep theirs can share a stack.
    for number, group in enumerate([[fold] for fold in folds] if shuffle else [folds]):
        how = training(chosen, shuffled(group[0], number) if shuffle else TARGETS)
        for trained in train_all(engine_of(chosen), list(group), how):
            guesses = torch.from_numpy(trained.probabilities.argmax(1))
            found += int((guesses == TARGETS[trained.fold.test]).sum())
    return found


def chance_bound(clips: int, classes: int, tail: float = 1e-3) -> int:
    """The most hits that guesses come to but once in 1 / tail times: a binomial quantile."""
    from scipy.stats import binom

    return int(binom.ppf(1 - tail, clips, 1 / classes))


MARKED = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in MODELS]


@pytest.mark.parametrize("name", MARKED)
def test_shuffled_training_labels_leave_chance(name: str) -> None:
    assert hits(name, shuffle=True) <= chance_bound(len(TARGETS), CLASSES)


@pytest.mark.parametrize("name", [one for one in MARKED if one.values[0] in LEARNERS])
def test_true_labels_are_learnt(name: str) -> None:
    assert hits(name, shuffle=False) > chance_bound(len(TARGETS), CLASSES)
