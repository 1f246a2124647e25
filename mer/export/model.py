"""A trained model as it is handed on: the networks of all folds, and what is needed to use and to judge them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError
from mer.export.evidence import describe, read_calibration
from mer.export.networks import build_features
from mer.export.settings import GROUPS, NETWORK, portable
from mer.features.augment import flip_maps
from mer.flow import FlowMaps
from mer.hydra_app import plain
from mer.trained import TrainedRun


@dataclass(frozen=True, eq=False)
class ReleasedModel:
    """The networks of a run's folds as one ensemble.

    Attributes:
        classes: names of the C classes, in the order of the logits.
        settings: align, apex, magnify, flow, features: each group as in the run's configuration, paths as null.
        network: the group ``model``.
        temperature: T that the logits are divided by, fitted on predictions of subjects left out.
        card: what it was trained on, its scores, its calibration, versions: :data:`mer.export.evidence.CARD`.
        features: maps of clips -> the networks' inputs.
        nets: one a fold, in eval mode.
        flip_average: probabilities are means over a clip and its mirror image, as in the run.
    """

    classes: tuple[str, ...]
    settings: Mapping[str, Any]
    network: Mapping[str, Any]
    temperature: float
    card: dict[str, Any]
    features: nn.Module
    nets: tuple[nn.Module, ...]
    flip_average: bool = False

    def __post_init__(self) -> None:
        for module in (self.features, *self.nets):
            module.eval().requires_grad_(False)

    @classmethod
    def from_run(cls, run: TrainedRun, folds: Collection[str] | None = None) -> "ReleasedModel":
        """The model of a finished run.

        Args:
            run: the run.
            folds: names of the folds to take; by default all.

        Raises:
            MerError: no fold of such a name; weights that are not the network's; or predictions that cannot be
                calibrated.
        """
        chosen = list(run.folds) if folds is None else [run.fold(name) for name in folds]
        if not chosen or len(set(chosen)) < len(chosen):
            raise MerError("folds of the run, each once", f"{list(folds or [])}", "leave folds= out for all")
        settings = {name: portable(plain(run.config[name])) for name in GROUPS}
        calibration = read_calibration(run)
        return cls(
            run.classes,
            settings,
            portable(plain(run.config[NETWORK])),
            calibration.temperature,
            describe(run, calibration),
            build_features(run.config, f"{run.path}"),
            tuple(run.module(fold).net for fold in chosen),
            bool(run.config.recognition.get("flip_average", False)),
        )

    @property
    def n_folds(self) -> int:
        """Number of networks F."""
        return len(self.nets)

    def to(self, device: torch.device | str) -> "ReleasedModel":
        """The same on ``device``, where features and networks are moved, not copied."""
        return replace(self, features=self.features.to(device), nets=tuple(net.to(device) for net in self.nets))

    @torch.no_grad()
    def logits(self, maps: FlowMaps) -> Float[Tensor, "fold clip classes"]:
        """Logits ``(F, N, C)`` that each fold's network gives the clips of ``maps``."""
        inputs = self.features(maps)
        return torch.stack([net(*inputs) for net in self.nets])

    def probabilities(self, maps: FlowMaps) -> Float[Tensor, "clip classes"]:
        """Mean of ``softmax(logits / T)`` over folds, and over mirror images where the run took them, ``(N, C)``."""
        views = views_of(maps, self.flip_average)
        return torch.stack([ensemble_mean(self.logits(view), self.temperature) for view in views]).mean(dim=0)


def views_of(maps: FlowMaps, flip_average: bool) -> list[FlowMaps]:
    """What probabilities are averaged over: the clips, and their mirror images if ``flip_average``."""
    return [maps, flip_maps(maps)] if flip_average else [maps]


def ensemble_mean(logits: Float[Tensor, "fold clip classes"], temperature: float) -> Float[Tensor, "clip classes"]:
    """Mean over the folds of ``softmax(logits / temperature)``: ``(F, N, C)`` -> ``(N, C)``."""
    return (logits / temperature).softmax(dim=-1).mean(dim=0)
