"""Runs as records for JSON and CSV, and as tables for a terminal, Markdown and LaTeX."""

from collections.abc import Mapping, Sequence
from typing import Any

from mer.comparison import MCNEMAR, SeedGroup
from mer.predictions import MAIN_SCORES
from mer.runs import Run, UnfinishedRun, beside_each_other

Record = dict[str, Any]
# A line of a cell each: the second says how sure the first is.
Cell = tuple[str, ...]

_MOST_SETTINGS = 6  # of those that differ, in a cell to be read
_COUNTS = ("n_clips", "n_folds", "seconds")
_LATEX = {"\\": r"\textbackslash{}", "±": r"$\pm$", "Δ": r"$\Delta$", "~": r"\textasciitilde{}"}
_LATEX |= {"^": r"\textasciicircum{}"} | {sign: f"\\{sign}" for sign in "&%$#_{}"}


def run_records(runs: Sequence[Run], tests: Sequence[Mapping[str, Any] | None] | None = None) -> list[Record]:
    """A record a run: folder, settings in which the runs differ, scores with intervals, and its ``paired_tests``."""
    records = []
    for number, (run, settings, _) in enumerate(beside_each_other(runs)):
        record: Record = {"run": str(run.path), "state": "finished", "settings": settings}
        record |= {name: run.metrics[name] for name in (*MAIN_SCORES, "intervals", *_COUNTS)}
        records.append(record | ({"against": tests[number]} if tests is not None else {}))
    return records


def seed_records(groups: Sequence[SeedGroup]) -> list[Record]:
    """A record a group: folders, seeds, the other settings in which the groups differ, mean and sd of the scores."""
    firsts = [group.runs[0] for group in groups]
    records = []
    for group, (first, settings, _) in zip(groups, beside_each_other(firsts), strict=True):
        seeds = [run.config.get("seed") for run in group.runs]
        record: Record = {"runs": [str(run.path) for run in group.runs], "seeds": seeds, "state": "finished"}
        record |= {"settings": {name: value for name, value in settings.items() if name != "seed"}}
        records.append(record | dict(group.mean) | {"sd": group.sd, "n_clips": first.metrics["n_clips"]})
    return records


def unfinished_records(runs: Sequence[UnfinishedRun]) -> list[Record]:
    """A record a run that has no result: folder, state, complete folds."""
    return [{"run": str(run.path), "state": run.state, "folds_done": run.folds_done} for run in runs]


def flat_records(records: Sequence[Record]) -> list[Record]:
    """Records for CSV: settings first, ``uf1_low``, ``uf1_sd``, ``uf1_p`` in columns of their own."""
    return [_flat(record) for record in records]


def table_cells(records: Sequence[Record]) -> tuple[list[str], list[list[Cell]]]:
    """Header and cells of records: run, settings, clips, scores, and tests where there are any."""
    header = ["run", "settings that differ", "clips", *MAIN_SCORES.values()]
    tested = sum(record.get("against") is not None for record in records)
    if any("against" in record for record in records):
        p = "Holm p" if tested > 1 else "p"
        header += [*(f"Δ {name} ({p})" for name in MAIN_SCORES.values()), f"McNemar {p}"]
    return header, [_cells(record, len(header)) for record in records]


def markdown(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A table in GitHub's Markdown."""
    lines = [header, ["---"] * 2 + ["---:"] * (len(header) - 2)]
    lines += [[_in_line(cell).replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def latex(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A ``tabular`` for the package booktabs."""
    body = [" & ".join(_escape(_in_line(cell)) for cell in row) + r" \\" for row in rows]
    head = " & ".join(map(_escape, header)) + r" \\"
    columns = "ll" + "r" * (len(header) - 2)
    lines = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _flat(record: Record) -> Record:
    flat = dict(record.get("settings", {})) | {name: record.get(name) for name in (*MAIN_SCORES, *_COUNTS)}
    for name, (low, high) in record.get("intervals", {}).items():
        flat |= {f"{name}_low": low, f"{name}_high": high} if name in MAIN_SCORES else {}
    for name, value in (record.get("sd") or {}).items():
        flat[f"{name}_sd"] = value
    for name, test in (record.get("against") or {}).items():
        flat |= {f"{name}_{part}": value for part, value in test.items()}
    if "seeds" in record:
        flat["n_seeds"] = len(record["seeds"])
    return flat | {"run": record.get("run", " ".join(record.get("runs", ()))), "state": record["state"]}


def _cells(record: Record, width: int) -> list[Cell]:
    if record["state"] != "finished":
        cells: list[Cell] = [(_last(record["run"]),), (f"{record['state']}, {record['folds_done']} folds complete",)]
    else:
        cells = [
            _name(record),
            (_settings(record["settings"]),),
            (str(record["n_clips"]),),
            *(_score(record, name) for name in MAIN_SCORES),
        ]
        cells += _tests(record["against"]) if record.get("against") else []
    return cells + [("-",)] * (width - len(cells))


def _settings(settings: Mapping[str, str]) -> str:
    """Those that a run has; of many, what was chosen (``model=...``) rather than what follows from it."""
    told = {name: value for name, value in settings.items() if value != "-"}
    shown = sorted(told, key=lambda name: name.count(".")) if len(told) > _MOST_SETTINGS else list(told)
    words = [f"{name}={told[name]}" for name in shown[:_MOST_SETTINGS]]
    if rest := len(told) - len(words):
        words.append(f"and {rest} more")
    return " ".join(words) or "-"


def _name(record: Record) -> Cell:
    if "seeds" not in record:
        return (_last(record["run"]),)
    return (f"{len(record['seeds'])} seeds", ", ".join(map(str, record["seeds"])))


def _score(record: Record, name: str) -> Cell:
    if "intervals" in record:
        low, high = (f"{bound:.3f}".removeprefix("0") for bound in record["intervals"][name])
        return (f"{record[name]:.4f}", f"{low}-{high}")
    return (f"{record[name]:.4f}", f"±{record['sd'][name]:.4f}") if record["sd"] else (f"{record[name]:.4f}",)


def _tests(against: Mapping[str, Mapping[str, float]]) -> list[Cell]:
    scores = [(f"{against[name]['difference']:+.4f}", _p(against[name]["p_holm"])) for name in MAIN_SCORES]
    return [*scores, (_p(against[MCNEMAR]["p_holm"]),)]


def _p(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"


def _last(folder: str) -> str:
    return folder.rstrip("/").rpartition("/")[2]


def _in_line(cell: Cell) -> str:
    first, *rest = cell
    return " ".join([first, *(f"({line})" for line in rest)])


def _escape(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)
