"""Seconds of calls."""

from collections.abc import Callable
from time import perf_counter

import torch


def seconds(call: Callable[[], object]) -> float:
    """Wall-clock seconds of ``call``, the GPU's work included."""
    _wait()
    start = perf_counter()
    call()
    _wait()
    return perf_counter() - start


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
