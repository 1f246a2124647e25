"""Clips that are added to the training clips of every fold, and never tested on: ``synthetic=``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from mer.errors import MerError, require_integer, require_number
from mer.features.strain import optical_strain
from mer.flow import FlowMaps
from mer.protocols.folds import Fold
from mer.synth.flows import Crop, Disturbances, synthetic_flows

_FIELDS = ("flow", "strain")  # of the maps, that flow alone can fill


@dataclass(frozen=True)
class TrainingClips:
    """What folds are trained on: maps and class numbers ``(N + n,)`` of N real clips and n others behind them."""

    maps: FlowMaps
    targets: Tensor
    folds: Sequence[Fold]


class TrainingSet(Protocol):
    """What folds are trained on."""

    def join(self, classes: Sequence[str], maps: FlowMaps, targets: Tensor, folds: Sequence[Fold]) -> TrainingClips:
        """The real clips with others behind them, which all folds train on; what they are tested on stays.

        Args:
            classes: names of the class numbers.
            maps: of the real clips.
            targets: their class numbers ``(N,)``.
            folds: over the real clips.
        """
        ...


class RealClips:
    """Each fold trains on its own real clips and on nothing else."""

    def join(self, classes: Sequence[str], maps: FlowMaps, targets: Tensor, folds: Sequence[Fold]) -> TrainingClips:
        return TrainingClips(maps, targets, folds)


class SyntheticFlow:
    """Flow of made-up faces whose action units move, as training clips beside the real ones.

    Nobody is in them, so they may train every fold: what they bring is which muscles move in which emotion (the Facial
    Action Coding System, Ekman, Friesen and Hager, 2002), not how a test subject looks. They are drawn from ``seed``
    alone and are the same in all folds.

    Args:
        clips: how many, 0 to 100,000, each class as often as the others in the long run.
        seed: of all that is drawn.
        peak_px: the longest vector of a clip's action units, in px of the features' grid.
        eye_distance: distance of the eye centres in the crop, as a share of its side.
        eye_height: height of the eye line from the top, as a share of the side.
        aspect: how much a px shows along the face more than across.
        centred: take the median from u and from v, as flow images have it.
        noise: least and most of the flow's error, as parts of the longest vector; each clip draws its own.
        head: of the head's movement, in the same way.
        distractor: of a movement that belongs to no class, in the same way.
        blinks: share of the clips in which the lids move.
    """

    def __init__(
        self,
        clips: int = 300,
        seed: int = 0,
        peak_px: float = 1.0,
        eye_distance: float = 0.42,
        eye_height: float = 0.35,
        aspect: float = 1.0,
        centred: bool = False,
        noise: Sequence[float] = (0.1, 0.5),
        head: Sequence[float] = (0.0, 0.6),
        distractor: Sequence[float] = (0.0, 0.5),
        blinks: float = 0.1,
    ) -> None:
        self.clips = require_integer("synthetic.clips", clips, 0, 100_000)
        self.seed = require_integer("synthetic.seed", seed, 0, 2**63 - 1)
        self.peak_px = require_number("synthetic.peak_px", peak_px, 1e-3, 1e3)
        self.centred = centred
        self.crop = Crop(
            require_number("synthetic.eye_distance", eye_distance, 0.05, 0.95),
            require_number("synthetic.eye_height", eye_height, 0, 1),
            require_number("synthetic.aspect", aspect, 0.1, 10),
        )
        self.disturbances = Disturbances(
            _range("synthetic.noise", noise),
            _range("synthetic.head", head),
            _range("synthetic.distractor", distractor),
            require_number("synthetic.blinks", blinks, 0, 1),
        )

    def join(self, classes: Sequence[str], maps: FlowMaps, targets: Tensor, folds: Sequence[Fold]) -> TrainingClips:
        """See :class:`TrainingSet`.

        Raises:
            MerError: the model needs more than flow, it is not square, or a class has no known action units.
        """
        made, numbers = self.maps(classes, maps)
        rows = np.arange(len(targets), len(targets) + len(numbers))
        joined = {name: torch.cat([value, made.need(name).to(value)]) for name, value in maps.tensors().items()}
        longer = [Fold(np.concatenate([fold.train, rows]), fold.test, fold.subject) for fold in folds]
        return TrainingClips(FlowMaps(**joined), torch.cat([targets, numbers.to(targets)]), longer)

    def maps(self, classes: Sequence[str], like: FlowMaps) -> tuple[FlowMaps, Tensor]:
        """Maps of the clips with the fields and the side of ``like``, and their class numbers ``(clips,)``.

        Raises:
            MerError: as :meth:`join`.
        """
        more = [name for name in like.tensors() if name not in _FIELDS]
        if more:
            raise MerError("a model of the flow alone", f"one that needs {more[0]} too", "set synthetic=none")
        height, size = like.flow.shape[-2:]
        if height != size:
            raise MerError("square flow", f"{height}x{size} px", "set synthetic=none")
        flows, numbers = synthetic_flows(classes, self.clips, size, self.seed, self.crop, self.disturbances)
        flow = torch.from_numpy(flows) * self.peak_px
        strain = None if like.strain is None else optical_strain(flow)
        if self.centred:
            flow = flow - flow.flatten(2).median(dim=2).values[..., None, None]
        if strain is not None:
            strain = strain / strain.amax((1, 2, 3), keepdim=True).clamp_min(torch.finfo(strain.dtype).tiny)
        return FlowMaps(flow, strain), torch.from_numpy(numbers)


def _range(name: str, given: Sequence[float]) -> tuple[float, float]:
    values = [require_number(name, value, 0, 1e3) for value in given]
    if len(values) != 2 or values[0] > values[1]:
        raise MerError(f"{name} as [least, most]", f"{list(given)}", "give two numbers, the smaller first")
    return values[0], values[1]
