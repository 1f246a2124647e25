"""Memory that one step of training frees and the next takes again."""

import torch

_BYTES = 30 << 20  # under 32 MiB, beyond which glibc learns nothing from a block


def keep_freed_blocks() -> None:
    """Have the C library keep what is freed, where it would give it back to the system after each step.

    Pages given back are faulted in again by the next step, which takes a small network a fifth of its time. glibc keeps
    blocks up to the size of the largest that it has seen freed (mallopt(3), M_MMAP_THRESHOLD): so one is taken and
    freed here, and never written to. Other C libraries take no notice.
    """
    torch.empty(_BYTES, dtype=torch.uint8)
