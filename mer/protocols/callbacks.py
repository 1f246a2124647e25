"""Lightning callbacks of a fold's training."""

import pytorch_lightning as pl

from mer.progress import Counter


class EpochBar(pl.Callback):
    """Shows the epochs of the fold that is training."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Advance the bar."""
        self._counter(trainer.current_epoch + 1, int(trainer.max_epochs or 0))
