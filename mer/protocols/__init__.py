"""Evaluation protocols: which clips train, which are left out."""

from mer.protocols.folds import Fold, loso

__all__ = ["Fold", "loso"]
