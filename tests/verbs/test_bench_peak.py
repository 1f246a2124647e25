"""A process's largest memory is its own."""

import subprocess
import sys

from mer.bench.peak import peak_bytes

_MB = 1024**2
_PEAK = "from mer.bench.peak import peak_bytes; kept = bytearray({} * 2**20); del kept; print(peak_bytes())"


def peak_of(megabytes: int) -> int:
    command = [sys.executable, "-c", _PEAK.format(megabytes)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_it_holds_what_was_given_back_and_nothing_of_the_parents() -> None:
    parents = b"\1" * (300 * _MB)
    assert peak_bytes() > len(parents)
    assert 100 * _MB < peak_of(100) < 250 * _MB
    assert peak_of(0) < 100 * _MB
