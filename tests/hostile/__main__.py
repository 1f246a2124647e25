"""The campaign: every property of these tests with many examples; prints how many of each input were taken or refused.

``python -m tests.hostile [--examples N]``. One that meets a traceback, a hang or a second line is printed, made small.
"""

import argparse
import os
import sys
import time


def main() -> int:
    """Run the campaign; returns pytest's exit code."""
    parser = argparse.ArgumentParser("python -m tests.hostile", description=__doc__)
    parser.add_argument("--examples", type=int, default=300, help="of each property; the long ones take fewer")
    parser.add_argument("--only", default="any", help="properties whose name has this in it")
    given = parser.parse_args()
    os.environ["MER_FUZZ"] = str(given.examples)  # before the tests are imported, which ask for it

    import pytest

    started = time.monotonic()
    words = ["-q", "-n0", "-p", "no:cacheprovider", "--no-header", "--tb=short", "-k", given.only, "tests/hostile"]
    code = int(pytest.main(words))
    from tests.hostile.outcomes import OUTCOMES  # after pytest, which rewrites the asserts of what it imports

    print(f"{'input':<32}{'taken':>8}{'refused':>9}")
    for what in sorted({what for what, _ in OUTCOMES}):
        print(f"{what:<32}{OUTCOMES[what, 'taken']:>8}{OUTCOMES[what, 'refused']:>9}")
    print(f"{OUTCOMES.total()} examples in {time.monotonic() - started:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
