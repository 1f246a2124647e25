"""How many threads this process may use: the cores that it was given, or its share of them beside other jobs."""

import os

_limit: int | None = None


def usable_cores() -> int:
    """The cores that this process may run on: those of its Slurm task or container, not all of the machine."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def thread_count() -> int:
    """Threads for work that is shared out within this process."""
    return usable_cores() if _limit is None else min(_limit, usable_cores())


def limit_threads(threads: int) -> None:
    """Let this process use ``threads`` at most, in torch and OpenCV too; what is limited to fewer stays so."""
    import cv2  # here, for those who only compose a configuration
    import torch

    global _limit
    _limit = threads
    torch.set_num_threads(min(threads, torch.get_num_threads()))
    cv2.setNumThreads(min(threads, cv2.getNumThreads()))
