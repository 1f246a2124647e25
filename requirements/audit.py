"""Look up known holes of every locked version, by pip-audit in PyPI's database; ``make audit``.

Exit code 1: there are some. 3: of some packages, or all, the registry told nothing, as a mirror may; then nobody knows.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LOCKS = ("build.txt", "dev.txt", "torch.txt")
FOUND, UNKNOWN = 1, 3


def main() -> int:
    """Ask, print what is known, and return the exit code."""
    words = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    files = [word for name in LOCKS for word in ("--requirement", str(HERE / name))]
    ran = subprocess.run([*words, "--format", "json", *files], capture_output=True, text=True, check=False)
    try:
        packages = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (ran.stderr.strip() or "nothing").splitlines()[-1]
        print(f"expected pip-audit's answer; got {last}; is the registry there?", file=sys.stderr)
        return UNKNOWN
    code, lines = verdict(packages)
    print("\n".join(lines))
    return code


def verdict(packages: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """Packages as pip-audit lists them -> exit code and what to print."""
    lines = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version'}"
        for one in packages
        for hole in one.get("vulns", ())
    ]
    untold = [one["name"] for one in packages if "skip_reason" in one]
    told = f"{len(lines)} known holes in {len(packages) - len(untold)} of {len(packages)} packages"
    if untold:
        told += f"; the registry told nothing of the others, {untold[0]} for one"
    return FOUND if lines else UNKNOWN if untold or not packages else 0, [*lines, told]


if __name__ == "__main__":
    sys.exit(main())
