"""A descriptor and a classifier of descriptors, in the place of a network."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mer.flow import FlowMaps
from mer.handcrafted.classifiers import TrainingClips, Vectors

_BATCH = 64  # clips described at once, for the memory's sake


class Descriptor(Protocol):
    """Maps of ``N`` clips -> ``(N, D)``; each clip's row is made of that clip alone.

    One that looks at more than the flow from onset to apex says so by attributes ``needs`` and ``frames``, see
    :class:`mer.needs.Needs`.
    """

    def __call__(self, maps: FlowMaps) -> Tensor: ...


class Classifier(Protocol):
    """Learns from training clips and scores others."""

    def probabilities(self, training: TrainingClips, vectors: Vectors) -> NDArray[np.float32]:
        """Scores ``(M, C)`` of descriptors ``(M, D)``, each clip's of sum 1."""
        ...


class DescriptorModel:
    """A descriptor, computed once, and a classifier that is fitted in each fold. It has no epochs and no weights.

    Args:
        descriptor: of a clip; none for a classifier that looks at no clip.
        classifier: of descriptors.
    """

    def __init__(self, classifier: Classifier, descriptor: Descriptor | None = None) -> None:
        self.classifier, self.descriptor = classifier, descriptor

    def describe(self, maps: FlowMaps) -> Vectors:
        """Descriptors ``(N, D)`` of all clips; D is 0 without a descriptor."""
        if self.descriptor is None:
            return np.zeros((len(maps), 0))
        parts = [
            self.descriptor(maps.select(slice(start, start + _BATCH))).double() for start in range(0, len(maps), _BATCH)
        ]
        return np.asarray(torch.cat(parts).numpy())
