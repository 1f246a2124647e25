"""Memory that training frees stays with the process."""

import platform
import subprocess
import sys

import pytest

STEPS = """
import resource
import torch
from mer.engines.heap import keep_freed_blocks
{first}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def step():
    torch.ones(8 << 20, dtype=torch.uint8)
step()
before = faults()
for _ in range(10):
    step()
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc")
def test_a_block_that_is_taken_again_and_again_is_faulted_in_once() -> None:
    taken, kept = (
        int(subprocess.run([sys.executable, "-c", STEPS.format(first=first)], capture_output=True, check=True).stdout)
        for first in ("", "keep_freed_blocks()")
    )
    assert kept < 1000 <= taken
