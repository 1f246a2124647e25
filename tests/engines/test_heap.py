"""What a step of training frees stays with the process."""

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import torch
from mer.engines.heap import keep_freed_blocks

def step():
    for one in [torch.empty(8 << 20, dtype=torch.uint8) for _ in range(5)]:
        one.fill_(1)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

torch.set_num_threads(1)
if sys.argv[1] == "keep":
    keep_freed_blocks()
for _ in range(3):
    step()
before = faults()
for _ in range(5):
    step()
print(faults() - before)
"""


def page_faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True, timeout=120)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries take no notice")
def test_pages_of_freed_blocks_are_not_faulted_in_again() -> None:
    assert page_faults("keep") * 10 < page_faults("let go")
