"""Keeps Lightning's notices, which would repeat for every fold, off the terminal."""

import logging
import warnings

_LOGGERS = ("pytorch_lightning.utilities.rank_zero", "pytorch_lightning", "lightning_fabric.utilities.rank_zero")


def quiet_lightning() -> None:
    """Silence what Lightning says of every Trainer: devices, tips, its own use of deprecated torch calls."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    # https://github.com/Lightning-AI/pytorch-lightning/issues/21326
    warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*", category=FutureWarning)
    # A fold's clips are in memory: more workers would be slower.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
