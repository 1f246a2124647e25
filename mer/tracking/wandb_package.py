"""The package wandb, or the line that says how to get it."""

from mer.errors import MerError

try:
    import wandb
except ImportError as missing:
    raise MerError(
        "the package wandb for logger=wandb", "none that can be imported", "pip install wandb, or choose logger=csv"
    ) from missing

__all__ = ["wandb"]
