"""``mer report DIR``: one self-contained HTML file of the runs at or below a folder."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mer.files import atomic_file
from mer.progress import say
from mer.runs import find_runs, find_unfinished


def main(arguments: Sequence[str]) -> None:
    """Parse ``arguments`` and write the report."""
    parser = argparse.ArgumentParser("mer report", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a run's folder, or one above several")
    parser.add_argument("--out", type=Path, help="file to write (default DIR/report.html)")
    given = parser.parse_args(arguments)
    # torch and matplotlib take seconds to import, which help need not wait for.
    from mer.report.html import render_report

    runs, unfinished = find_runs([given.folder]), find_unfinished([given.folder])
    page = render_report(runs, f"mer: {given.folder.resolve().name}", unfinished)
    path: Path = given.out or given.folder / "report.html"
    with atomic_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    say(f"runs: {len(runs)}; {path.stat().st_size / 1e6:.1f} MB")
    print(f"wrote {path}")
