"""Folds of a model without a network: descriptors once, a classifier a fold."""

import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mer.engines.training import OnEpoch, TrainedFold, Training
from mer.errors import MerError
from mer.handcrafted.classifiers import TrainingClips, Vectors
from mer.handcrafted.model import DescriptorModel
from mer.protocols.folds import Fold


class ClassicalEngine:
    """Fits one fold at a time. The first also bears the seconds that the descriptors of all clips took.

    Args:
        model: descriptor and classifier.
        subjects: ``(N,)``, a name a person, of all clips.
        num_classes: C.
    """

    def __init__(self, model: DescriptorModel, subjects: NDArray[np.object_], num_classes: int) -> None:
        self._model, self._subjects, self._num_classes = model, subjects, num_classes
        self._described: Vectors | None = None

    def next_folds(self, missing: Sequence[Fold], training: Training) -> list[Fold]:
        """The first.

        Raises:
            MerError: the figure of the best epoch is asked for, of a model without epochs.
        """
        if training.watch_test:
            raise MerError("a network for protocol.report_best_epoch_on_test", "a model without epochs", "leave it out")
        return list(missing[:1])

    def train(self, folds: Sequence[Fold], training: Training, on_epoch: OnEpoch) -> Iterator[TrainedFold]:
        """Fit ``folds`` in turn; there is no epoch to tell of."""
        for fold in folds:
            start = time.perf_counter()
            probabilities = self._probabilities(fold, training)
            yield TrainedFold(fold, training.fold_seed(fold), probabilities, [], {}, time.perf_counter() - start)

    def _probabilities(self, fold: Fold, training: Training) -> NDArray[np.float32]:
        vectors, targets = self._vectors(training), training.clips.targets.cpu().numpy()
        known = TrainingClips(
            vectors[fold.train],
            targets[fold.train],
            self._subjects[fold.train],
            self._num_classes,
            training.fold_seed(fold),
        )
        return self._model.classifier.probabilities(known, vectors[fold.test])

    def _vectors(self, training: Training) -> Vectors:
        if self._described is None:
            # On the CPU, whichever device the Trainer names: the sums are then the same everywhere.
            self._described = self._model.describe(training.clips.maps.to("cpu"))
        return self._described
