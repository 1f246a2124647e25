"""``mer explain run=DIR``: where a run's networks look, as the paper's Fig. 7, and how much of it is in place."""

import json
import re
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig
from rich.table import Table

from mer.errors import MerError
from mer.hydra_app import run_hydra
from mer.progress import output

_FOLDER = re.compile(r"(run|out)=([^'\"].*)")  # a sweep's folders have = and , in their names


def main(arguments: Sequence[str]) -> None:
    """Compose ``explain.yaml`` and explain the run."""
    run_hydra("explain", explain, [_FOLDER.sub(r"\1='\2'", word) for word in arguments])


def explain(cfg: DictConfig) -> None:
    """Explain the clips of the run, print the shares of activation a class, and what was written."""
    if not cfg.run:
        raise MerError("the folder of a finished run", "none", "set run=DIR")
    from mer.explain.run import explain_run  # torch takes seconds, which the help need not wait for

    report = explain_run(cfg)
    if cfg.json:
        print(json.dumps(report, indent=2))
        return
    console = output()
    console.print(share_table(report))
    for file in report["files"]:
        console.print(file, soft_wrap=True)


def share_table(report: dict[str, Any]) -> Table:
    """Shares of activation inside the expected and inside the coded action units' regions, by explained class."""
    table = Table("explained", "map", title=f"{report['method']}: share of activation inside regions of action units")
    for where in ("Table 2", "coded"):
        for name in ("clips", "share", "area", "times"):
            table.add_column(f"{where}\n{name}", justify="right")
    for row in report["classes"]:
        cells = [
            (str(row[f"n_clips{ending}"]), *(_text(row[f"{name}{ending}"]) for name in ("share", "area", "times")))
            for ending in ("", "_coded")
        ]
        table.add_row(f"{row['explained']} ({row['reason']})", row["map"], *cells[0], *cells[1])
    return table


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
