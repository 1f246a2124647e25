"""``mer dashboard PROJECT``: the W&B workspace and report that compare a project's runs."""

import argparse
import json
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Parse ``arguments``; save both and print their addresses, or print them as JSON."""
    parser = argparse.ArgumentParser("mer dashboard", description=__doc__)
    parser.add_argument("project", metavar="PROJECT", help="W&B project, as in logger.project=")
    parser.add_argument("--entity", help="user or team (default: the one who logged in)")
    parser.add_argument("--dry-run", action="store_true", help="print both as JSON; needs no server and no login")
    given = parser.parse_args(arguments)
    from mer.tracking import dashboard  # wandb takes a second to import, and --help needs none of it

    if given.dry_run:
        print(json.dumps(dashboard.as_json(given.project, given.entity or ""), indent=2))
    else:
        print("\n".join(dashboard.save(given.project, given.entity)))
