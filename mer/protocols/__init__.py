"""Evaluation protocols: which clips train, which are left out."""

from mer.protocols.folds import Fold, leave_one_dataset_out, loso
from mer.protocols.kfold import inner, inner_folds, inner_split, subject_kfold
from mer.protocols.megc2019 import megc2019
from mer.protocols.tuning import reporting, require_subjects_kept_back, tuning

__all__ = [
    "Fold",
    "inner",
    "inner_folds",
    "inner_split",
    "leave_one_dataset_out",
    "loso",
    "megc2019",
    "reporting",
    "require_subjects_kept_back",
    "subject_kfold",
    "tuning",
]
