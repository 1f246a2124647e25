"""A self-contained HTML report of finished runs: no network, every name escaped."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from mer.predictions import MAIN_SCORES
from mer.runs import Run, beside_each_other

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; margin: 1rem 0; }
th, td { padding: .3rem .7rem; text-align: left; border-bottom: 1px solid #8886; white-space: nowrap; }
td.wrap { white-space: normal; }
.bar { background: #8883; width: 10rem; } .bar div { background: #2a6fbb; height: .8rem; }
img { max-width: 100%; background: white; } code { overflow-wrap: anywhere; }
"""


def render_report(runs: Sequence[Run], title: str) -> str:
    """The page: a table of the runs with the settings that differ, then a section a run."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<title>{escape(title)}</title><style>{_STYLE}</style><body><h1>{escape(title)}</h1>",
        "<p>Scores are pooled over all leave-one-subject-out folds; the last epoch counts, and nothing was chosen on a "
        "left-out subject. Brackets: 95 % interval when subjects are drawn with replacement.</p>",
        _overview(runs),
        *(_section(run) for run in runs),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _overview(runs: Sequence[Run]) -> str:
    rows = [
        [run.path.name, differing, str(run.metrics["n_clips"]), *_scores(run.metrics)]
        for run, _, differing in beside_each_other(runs)
    ]
    return _table(("run", "settings that differ", "clips", *MAIN_SCORES.values()), rows)


def _section(run: Run) -> str:
    classes = [
        [label, str(row["clips"]), *(_number(row[name]) for name in ("precision", "recall", "f1"))]
        for label, row in run.metrics["per_class"].items()
    ]
    return "\n".join(
        [
            f"<h2>{escape(run.path.name)}</h2><p><code>{escape(str(run.path))}</code></p>",
            _table(("class", "clips", "precision", "recall", "F1"), classes),
            _picture(run.path / "figures" / "confusion.png", "confusion matrix"),
            _picture(run.path / "figures" / "flow_samples.png", "flow of each class"),
            _picture(run.path / "figures" / "flow_on_faces.png", "flow over a face of each class"),
            _picture(run.path / "figures" / "magnification.png", "magnification of a face of each class"),
            "<h3>Subjects</h3>",
            _subjects(run.metrics["per_subject"]),
            f"<p>{_facts(run.metrics)}</p>",
        ]
    )


def _subjects(subjects: Mapping[str, Mapping[str, float]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}<td>{row['clips']:g}<td>{row['accuracy']:.3f}"
        f"<td><div class=bar><div style='width:{100 * row['accuracy']:.0f}%'></div></div>"
        for name, row in subjects.items()
    )
    return f"<table><tr><th>subject<th>clips<th>accuracy<th></tr>{rows}</table>"


def _facts(metrics: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in metrics["versions"].items() if version)
    training = f"{metrics['n_folds']} folds, {metrics['seconds']:.0f} s of training"
    return escape(f"{training}; {versions}; commit {metrics['git_commit']}")


def _scores(metrics: Mapping[str, Any]) -> Iterable[str]:
    for name in MAIN_SCORES:
        low, high = metrics["intervals"][name]
        yield f"{metrics[name]:.3f} [{low:.3f}, {high:.3f}]"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td class=wrap>{escape(cell)}' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _picture(path: Path, label: str) -> str:
    if not path.is_file():
        return ""
    data = base64.b64encode(path.read_bytes()).decode()
    return f"<img alt='{escape(label)}' src='data:image/png;base64,{data}' width=480>"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
