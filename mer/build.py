"""From configuration to what trains: the module, its inputs, the Trainer, the engine."""

from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig
from torch import Tensor, nn

from mer.clip import ClipIndex, subject_keys
from mer.datamodule import ClipDataset
from mer.engines import ClassicalEngine, Engine, Training
from mer.errors import MerError, require_integer
from mer.features.inputs import ClipInputs, clip_inputs
from mer.flow import FlowMaps
from mer.handcrafted import DescriptorModel
from mer.hydra_app import plain
from mer.needs import Needs
from mer.recognition import MicroExpressionModule, balanced_weights
from mer.training_clips import RealClips

WATCH_TEST = "report_best_epoch_on_test"  # a protocol's setting that is no matter of its folds
_MOST_CLIPS, _MOST_EPOCHS, _LARGEST_SEED = 1_000_000, 1_000_000, 2**63 - 1


def build_training(cfg: DictConfig, maps: FlowMaps, targets: Tensor, num_classes: int) -> Training:
    """How the folds of ``cfg`` are trained on clips with ``maps`` and class numbers ``targets`` ``(N,)``."""
    _require_trainable(cfg)
    device = build_trainer(cfg).strategy.root_device
    return Training(
        ClipDataset(maps, targets).to(device),
        partial(build_module, cfg, num_classes),
        partial(build_inputs, cfg),
        partial(build_trainer, cfg),
        plain(cfg.trainer),
        cfg.batch_size,
        cfg.seed,
        bool(cfg.protocol.get(WATCH_TEST, False)),
    )


def _require_trainable(cfg: DictConfig) -> None:
    require_integer("batch_size", cfg.batch_size, 1, _MOST_CLIPS)
    require_integer("seed", cfg.seed, 0, _LARGEST_SEED)
    require_integer("trainer.max_epochs", cfg.trainer.get("max_epochs"), 1, _MOST_EPOCHS)
    if cfg.trainer.get("enable_checkpointing"):
        raise MerError("trainer.enable_checkpointing=false", "true", "leave it out: a run keeps each fold's weights")
    runs_on = cfg.trainer.get("accelerator")
    is_cpu = runs_on == "cpu" or (runs_on == "auto" and not torch.cuda.is_available())
    if is_cpu and str(cfg.trainer.get("precision")) in ("16", "16-mixed"):  # Lightning would take bfloat16 instead
        raise MerError("a trainer.precision that CPUs have", "16-mixed", "set trainer.precision=bf16-mixed")


def build_engine(cfg: DictConfig, index: ClipIndex) -> Engine:
    """What trains the folds: ``cfg.engine``, for a network; a model of descriptors has its own."""
    if is_network(cfg.model):
        engine: Engine = instantiate(cfg.engine)
        return engine
    if not isinstance(instantiate(cfg.synthetic), RealClips):
        raise MerError("a network where synthetic clips train it", "a model of descriptors", "set synthetic=none")
    return ClassicalEngine(instantiate(cfg.model), subject_keys(index.clips).to_numpy(object), len(index.classes))


def build_needs(cfg: DictConfig) -> Needs:
    """What the path has to prepare beside the flow: the features tell it for a network, a descriptor for itself."""
    if is_network(cfg.model):
        return Needs.of(instantiate(cfg.features))
    return Needs.of(instantiate(cfg.model).descriptor)


def is_network(model: DictConfig) -> bool:
    """Whether ``model`` names a network, and not a descriptor and its classifier."""
    target = get_object(model._target_)
    return not (isinstance(target, type) and issubclass(target, DescriptorModel))


def build_trainer(cfg: DictConfig, **settings: Any) -> pl.Trainer:
    """A fresh Trainer that keeps no log of its own: an engine writes what a fold's training gave."""
    trainer: pl.Trainer = instantiate(cfg.trainer, logger=False, **settings)
    return trainer


def build_inputs(cfg: DictConfig, clips: ClipDataset) -> ClipInputs:
    """What makes the network's inputs of ``clips``."""
    return clip_inputs(clips.maps, instantiate(cfg.features), instantiate(cfg.augment))


def build_net(cfg: DictConfig, num_classes: int) -> nn.Module:
    """A fresh network for the inputs that ``cfg.features`` makes."""
    in_channels = instantiate(cfg.features).in_channels
    net: nn.Module = instantiate(
        cfg.model, num_classes=num_classes, input_size=cfg.features.size, in_channels=in_channels
    )
    return net


def build_module(cfg: DictConfig, num_classes: int, training: ClipDataset) -> MicroExpressionModule:
    """A fresh module; what it learns from data, the class weights too, it learns from ``training`` alone."""
    weights = balanced_weights(training.targets, num_classes) if cfg.recognition.balanced_loss else None
    return MicroExpressionModule(
        build_net(cfg, num_classes),
        instantiate(cfg.features),
        instantiate(cfg.recognition.optimizer),
        num_classes,
        weights,
        cfg.recognition.label_smoothing,
        instantiate(cfg.recognition.get("scheduler")),
        bool(cfg.recognition.get("flip_average", False)),
    )
