"""Classifiers of descriptors: an SVM whose C is chosen on training subjects alone, and the floors of every table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mer.errors import MerError, require_choice, require_number
from mer.metrics import confusion_matrix, uf1

Vectors = NDArray[np.float64]
Numbers = NDArray[np.int64]
_KERNELS = ("linear", "rbf", "poly")


@dataclass(frozen=True)
class TrainingClips:
    """What a classifier may learn from.

    Attributes:
        vectors: descriptors ``(N, D)``.
        targets: class numbers ``(N,)``.
        subjects: ``(N,)``, a name a person.
        num_classes: C, of all classes, those that no training clip has too.
        seed: of the fold.
    """

    vectors: Vectors
    targets: Numbers
    subjects: NDArray[np.object_]
    num_classes: int
    seed: int


class SubjectSVM:
    """Support vector machine, C chosen by leaving out each training subject in turn.

    The C with the largest UF1, pooled over these inner folds, is taken, the smallest of equal ones, and all training
    clips fitted with it. Where there is one C or one training subject, nothing is chosen.

    Args:
        kernel: ``linear``, ``rbf`` or ``poly``.
        c: values to choose from.
        standardise: scale each component by mean and standard deviation of the clips that are fitted.
        balanced: weigh classes inversely to their number of clips.
    """

    def __init__(
        self,
        kernel: str = "linear",
        c: Sequence[float] = (0.01, 1, 100, 10_000),
        standardise: bool = False,
        balanced: bool = False,
    ) -> None:
        self.kernel = require_choice("model.classifier.kernel", kernel, _KERNELS)
        if not len(c):
            raise MerError("one model.classifier.c or more", "none", "set model.classifier.c=[1]")
        self.c = sorted(require_number("each of model.classifier.c", value, 1e-12, 1e12) for value in c)
        self.standardise, self.balanced = standardise, balanced

    def probabilities(self, training: TrainingClips, vectors: Vectors) -> NDArray[np.float32]:
        """Scores ``(M, C)`` of descriptors ``(M, D)``, each clip's of sum 1, 0 for a class that was not trained.

        They are the softmax of the one-against-the-rest decision values: their order counts, they are not calibrated.
        """
        present = np.unique(training.targets)
        scores = np.zeros((len(vectors), training.num_classes), np.float32)
        if len(present) == 1:
            scores[:, present] = 1
            return scores
        machine = self._fit(training.vectors, training.targets, self.choose_c(training))
        decided = np.asarray(machine.decision_function(vectors)).reshape(len(vectors), -1)
        if len(present) == 2:  # then there is one value, for the second class
            decided = np.hstack([-decided, decided]) / 2
        grown = np.exp(decided - decided.max(axis=1, keepdims=True))
        scores[:, present] = grown / grown.sum(axis=1, keepdims=True)
        return scores

    def choose_c(self, training: TrainingClips) -> float:
        """The C that inner folds over training subjects find best."""
        subjects = np.unique(training.subjects)
        if len(self.c) == 1 or len(subjects) == 1:
            return self.c[0]
        scores = []
        for c in self.c:
            predicted = np.empty_like(training.targets)
            for subject in subjects:
                out = training.subjects == subject
                predicted[out] = self._predict(training.vectors[~out], training.targets[~out], training.vectors[out], c)
            scores.append(uf1(confusion_matrix(training.targets, predicted, training.num_classes)))
        return self.c[int(np.argmax(scores))]

    def _predict(self, vectors: Vectors, targets: Numbers, others: Vectors, c: float) -> Numbers:
        if len(np.unique(targets)) == 1:
            return np.full(len(others), targets[0])
        return np.asarray(self._fit(vectors, targets, c).predict(others), np.int64)

    def _fit(self, vectors: Vectors, targets: Numbers, c: float) -> Pipeline:
        # With break_ties the prediction is the class of the largest decision value, as the scores have it.
        machine = SVC(C=c, kernel=self.kernel, class_weight="balanced" if self.balanced else None, break_ties=True)
        steps = [StandardScaler(), machine] if self.standardise else [machine]
        return make_pipeline(*steps).fit(vectors, targets)


class Majority:
    """Always the most frequent class of the training clips: what any method has to beat."""

    def probabilities(self, training: TrainingClips, vectors: Vectors) -> NDArray[np.float32]:
        """The training clips' shares of the classes, for every clip; ``(M, C)``."""
        return np.tile(_shares(training), (len(vectors), 1))


class Chance:
    """A class drawn for each clip as often as the training clips have it."""

    def probabilities(self, training: TrainingClips, vectors: Vectors) -> NDArray[np.float32]:
        """1 for the class drawn, 0 for the others; ``(M, C)``."""
        draws = np.random.default_rng(training.seed).choice(training.num_classes, len(vectors), p=_shares(training))
        return np.eye(training.num_classes, dtype=np.float32)[draws]


def _shares(training: TrainingClips) -> NDArray[np.float32]:
    counts = np.bincount(training.targets, minlength=training.num_classes)
    return np.asarray(counts / counts.sum(), np.float32)
