"""How the folds of a protocol are trained: one after another, many as one network, or on several processes."""

from mer.engines.classical import ClassicalEngine
from mer.engines.parallel import ParallelEngine
from mer.engines.run_folds import LEAKY, OnFold, PooledFolds, fold_folder, leaky_scores, run_folds
from mer.engines.sequential import SequentialEngine
from mer.engines.stacked import StackedEngine
from mer.engines.training import Engine, TrainedFold, Training

__all__ = [
    "LEAKY",
    "ClassicalEngine",
    "Engine",
    "OnFold",
    "ParallelEngine",
    "PooledFolds",
    "SequentialEngine",
    "StackedEngine",
    "TrainedFold",
    "Training",
    "fold_folder",
    "leaky_scores",
    "run_folds",
]
