"""The largest memory of a process."""

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_RSS_BYTES = 1 if sys.platform == "darwin" else 1024  # what ru_maxrss counts
_PEAK = "VmHWM:"  # in kB


def peak_bytes() -> int:
    """Of this process, since its program began.

    On Linux ru_maxrss begins at what the parent had when it started the process, so the kernel's own mark is read.
    """
    if _STATUS.is_file():
        for line in _STATUS.read_text().splitlines():
            if line.startswith(_PEAK):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_BYTES
