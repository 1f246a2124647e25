"""Pairs of frames dealt out over threads: torch and OpenCV do their work outside Python's lock."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import cv2
import torch
from torch import Tensor

PairFlow = Callable[[Tensor, Tensor], Tensor]


def in_threads(flow: PairFlow, first: Tensor, second: Tensor, most_pairs: int) -> Tensor:
    """``flow`` of parts of a batch, side by side: a thread a part, ``torch.get_num_threads()`` at once.

    Inside, torch works in one thread: several for one pair are slower than one for each of several pairs.

    Args:
        flow: of a part, ``(b, C, H, W)`` twice -> ``(b, 2, H, W)``; no pair's may depend on those beside it.
        first: onset frames, ``(B, C, H, W)``, on the CPU.
        second: apex frames.
        most_pairs: of a part.
    """
    threads = torch.get_num_threads()
    pairs = max(1, min(most_pairs, -(-len(first) // threads)))
    parts = list(zip(torch.split(first, pairs), torch.split(second, pairs), strict=True))
    if threads == 1 or len(parts) == 1:
        return torch.cat([flow(*part) for part in parts])
    try:
        with ThreadPoolExecutor(min(threads, len(parts)), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return torch.cat(list(pool.map(flow, *zip(*parts, strict=True))))
    finally:
        torch.set_num_threads(threads)  # threads of later pools start with what was set last


class _OpenCVThreads:
    """OpenCV's own threads, off while anyone deals out pairs; its setting is one for the whole process."""

    def __init__(self) -> None:
        self._lock, self._users, self._before = threading.Lock(), 0, 0

    @contextmanager
    def off(self) -> Iterator[None]:
        with self._lock:
            if self._users == 0:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    cv2.setNumThreads(self._before)


opencv_threads = _OpenCVThreads()
