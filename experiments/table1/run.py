"""The paper's Table 1 and later networks on one dataset: ``python experiments/table1/run.py ROOT`` (or ``none``)."""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from hydra import compose, initialize_config_dir
from methods import FLOOR, METHODS, REFERENCE

from mer.comparison import MCNEMAR, paired_tests
from mer.errors import MerError
from mer.experiment import load_index, prepare_store, run_experiment
from mer.files import atomic_file
from mer.hydra_app import conf_dir
from mer.predictions import MAIN_SCORES
from mer.progress import say
from mer.report.run_tables import markdown
from mer.runs import Run, read_run
from mer.synth import write_casme2

HERE = Path(__file__).parent
SYNTHETIC: Mapping[str, Any] = {"subjects": 12, "clips_per_subject": 7, "motion_px": (1.2, 2.0)}
SMALL = ("align.size_px=96", "flow=dis", "protocol=subject_kfold", "protocol.k=4")
PROCESSOR = "processor_s.json"  # in each run's folder


def main() -> None:
    """Train what is not done, then write results.csv and results.md of all that is; failed ones are named."""
    given = _parser().parse_args()
    words = [f"dataset={given.dataset}", f"dataset.root={_root(given)}", f"store={given.work / 'store'}", "name=table1"]
    words += [f"align={given.align}", f"labels={given.labels}", "trainer.accelerator=auto"]
    failed = {}
    for name in () if given.collect else given.methods:
        small = [*SMALL, *METHODS[name].small] if given.scale == "small" else []
        try:
            train(name, [*words, *small], given.work / given.scale / name)
        except MerError as error:
            failed[name] = str(error)
            say(f"failed: {name}: {error}")
    runs = {
        name: read_run(run)
        for name in METHODS
        if (run := given.work / given.scale / name).joinpath("metrics.json").is_file()
    }
    if runs:
        write_tables(runs, given.dataset, failed, given.out)
        print((given.out / "results.md").read_text())
    raise SystemExit(1 if failed else 0)


def train(name: str, words: Sequence[str], run: Path) -> None:
    """Train a method, or go on with its run; a finished one is left as it is.

    Beside the metrics of a run that was made in one go stand its processor seconds: work beside it leaves them alone.
    """
    say(f"{name}: {run}")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", [*METHODS[name].choices, *words, f"run_dir={run}"])
    if run.is_dir():
        run_experiment(cfg)
        return
    prepare_store(cfg, load_index(cfg))  # crops and flows, which several methods share, are no method's time
    began = time.process_time()
    run_experiment(cfg)
    with atomic_file(run / PROCESSOR) as temporary:
        temporary.write_text(json.dumps(time.process_time() - began))


def write_tables(runs: Mapping[str, Run], dataset: str, failed: Mapping[str, str], out: Path) -> None:
    """Write a row a run, with paired tests against the dual-branch network where that is done, and the failed ones."""
    tests: Sequence[Mapping[str, Any] | None] = [None] * len(runs)
    if REFERENCE in runs:
        tests = paired_tests(list(runs.values()), runs[REFERENCE])
    floor = runs[FLOOR].metrics["uf1"] if FLOOR in runs else None
    rows = [_row(name, runs[name], dataset, floor, test) for name, test in zip(runs, tests, strict=True)]
    out.mkdir(parents=True, exist_ok=True)
    with atomic_file(out / "results.csv") as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")
    lines = [f"- failed: {name}: {reason}" for name, reason in failed.items()]
    with atomic_file(out / "results.md") as temporary:
        temporary.write_text("\n".join([markdown(_HEADER, [_cells(row) for row in rows]), *lines]))


_HEADER = [
    "method",
    "accuracy",
    "UF1",
    "UAR",
    f"above {FLOOR}",
    "processor s",
    f"UF1 less {REFERENCE}'s (p, Holm)",
    "published accuracy / F1",
]


def _row(name: str, run: Run, dataset: str, floor: float | None, test: Mapping[str, Any] | None) -> dict[str, Any]:
    row: dict[str, Any] = {"method": name, "n_clips": run.metrics["n_clips"], "folds": run.metrics["n_folds"]}
    for score in MAIN_SCORES:
        low, high = run.metrics["intervals"][score]
        row |= {score: run.metrics[score], f"{score}_low": low, f"{score}_high": high}
    if floor is not None and name != FLOOR:
        row["above_chance"] = "no" if row["uf1"] <= floor else "yes" if row["uf1_low"] <= floor else "clear"
    row["seconds"] = run.metrics["seconds"]
    row["processor_s"] = json.loads(file.read_text()) if (file := run.path / PROCESSOR).is_file() else None
    for score in (*MAIN_SCORES, MCNEMAR):
        row |= {f"{score}_{part}": value for part, value in (test[score] if test else {}).items()}
    accuracy, f1 = METHODS[name].published.get(dataset, (None, None))
    return row | {"published_accuracy": accuracy, "published_f1": f1, "published_in": METHODS[name].source}


def _cells(row: Mapping[str, Any]) -> list[tuple[str, ...]]:
    scores = [f"{row[one]:.3f} ({row[f'{one}_low']:.3f} to {row[f'{one}_high']:.3f})" for one in MAIN_SCORES]
    tested = f"{row['uf1_difference']:+.3f} ({row['uf1_p_holm']:.3f})" if "uf1_p_holm" in row else "-"
    f1 = row["published_f1"]
    published = "" if row["published_accuracy"] is None else f"{row['published_accuracy']:.3f}"
    published += "" if f1 is None or f1 != f1 else f" / {f1:.3f}"
    told = f"{published} ({row['published_in']})" if published else ""
    taken = "-" if row["processor_s"] is None else f"{row['processor_s']:.1f}"
    return [(cell,) for cell in (row["method"], *scores, row.get("above_chance", "-"), taken, tested, told)]


def _root(given: argparse.Namespace) -> Path:
    if given.root != "none":
        return Path(given.root)
    root: Path = given.work / "casme2"
    if not (root / "landmarks.csv").is_file():
        say(f"synthetic clips: {root}")
        write_casme2(root, **SYNTHETIC)
    return root


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", metavar="ROOT", help="the dataset's folder; none: clips are synthesised")
    parser.add_argument("--dataset", default="casme2", choices=("casme2", "smic", "samm"))
    parser.add_argument(
        "--labels", default="megc3", help="label scheme (default megc3; casme2: the paper's five classes)"
    )
    parser.add_argument("--align", default="given", help="landmarks (default given, as synthetic clips have them)")
    parser.add_argument(
        "--scale", choices=("small", "paper"), default="small", help="small nets and crops, or published"
    )
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD")
    parser.add_argument("--collect", action="store_true", help="train nothing: write the tables of what is done")
    parser.add_argument("--work", type=Path, default=Path("outputs/table1"), help="keeps store and runs")
    parser.add_argument("--out", type=Path, default=HERE, help="where results.csv and results.md go")
    return parser


if __name__ == "__main__":
    main()
