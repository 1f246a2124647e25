"""The study on real flows: ``python experiments/real_flow/run.py ROOT --work DIR``, see README.md.

Writes results.csv (a row a run), summary.csv (a row a name over its seeds), tests.csv (each name against the recipe on
the same clips) and tables.md (the same to read).
"""

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_dir

from mer.clip import subject_keys
from mer.engines import LEAKY
from mer.experiment import run_experiment
from mer.hydra_app import conf_dir
from mer.metrics import holm, permutation_test
from mer.predictions import MAIN_SCORES, class_numbers, read_predictions, score_predictions
from mer.progress import say
from mer.runs import read_run

HERE = Path(__file__).parent
MOST_SEEDS = 20
TESTED = ("clips", "name", "reference", "seeds", "uf1_difference", "uf1_sd", "uf1_p", "uf1_p_holm")
MEAN_OF_SEEDS, LEAKS = "UF1 of the seeds' mean probabilities", "LEAKS: UF1 of the best epochs on the test clips"
PARTS = ("best", "synthetic", "baselines", "across", "before", "ablations")
SETS: Mapping[str, Sequence[str]] = {"smic": ("smic",), "casme2": ("casme2",), "composite": ("smic", "casme2")}
WATCHED = "protocol.report_best_epoch_on_test=true"
CLASSICAL = ("features.size=28",)
BASELINES: Mapping[str, Sequence[str]] = {
    "majority": ("model=majority", *CLASSICAL),
    "bi_woof": ("model=bi_woof", *CLASSICAL),
    "bi_woof, proportion by strain": ("model=bi_woof", *CLASSICAL, "dataset.proportion=1"),
    "off_apexnet": ("experiment=off_apexnet_flow",),
    "ststnet": ("experiment=ststnet_flow",),
}
DRAW_NOTHING = ("majority", "bi_woof", "bi_woof, proportion by strain")
WITH_SYNTHETIC = "with synthetic clips"
SYNTHETIC = ("synthetic=flow_images", "trainer.max_epochs=40", WATCHED)
OTHER_SET = "protocol=leave_one_dataset_out"
ACROSS: Mapping[str, Sequence[str]] = {
    "trained on the other set": ("experiment=composite_flow_best", OTHER_SET),
    "bi_woof, trained on the other set": (*BASELINES["bi_woof"], OTHER_SET),
}
FIVE_FOLDS = ("protocol=subject_kfold", "protocol.k=5")
ALL = "all of it"
ABLATIONS: Mapping[str, Sequence[str]] = {
    ALL: (),
    "branch a alone": ("model.branches=a",),
    "branch b alone": ("model.branches=b",),
    "u, v in both": ("features.branch_a=[u,v]", "features.branch_b=[u,v]"),
    "u, v, m in both": ("features.branch_a=[u,v,m]", "features.branch_b=[u,v,m]"),
    "u, v, eps in both": ("features.branch_a=[u,v,eps]", "features.branch_b=[u,v,eps]"),
    "no attention": ("model.attention=false",),
    "fusion concat": ("model.fusion=concat",),
    "fusion multiply": ("model.fusion=multiply",),
    "fusion gated": ("model.fusion=gated",),
    "scaled by the largest m": ("features.normalize=symmetric",),
    "proportion as published": ("dataset.proportion=0",),
    "min-max, zero and proportion lost": (
        *("features.normalize=minmax", "dataset.zero=middle", "dataset.proportion=0"),
    ),
    "no shift": ("augment.shift=0",),
    "no flip": ("augment.flip=0", "recognition.flip_average=false"),
    "one rate of 1e-3": ("recognition.scheduler=null", "recognition.optimizer.lr=1e-3"),
    "no class weights": ("recognition.balanced_loss=false",),
    "global pooling": ("model.head_size=1",),
    "40 epochs": ("trainer.max_epochs=40",),
    "half the width": ("model.widths=[8,16]",),
    "twice the width": ("model.widths=[32,64]",),
    "depth 1": ("model.depth=1",),
    "depth 4": ("model.depth=4",),
    "depth 8": ("model.depth=8",),
    "depth 16": ("model.depth=16",),
    "28 px": ("features.size=28",),
}


def in_a_path(name: str) -> str:
    """``name`` with a line for each sign that is neither letter nor digit."""
    return "".join(one if one.isalnum() else "_" for one in name)


@dataclass(frozen=True)
class Job:
    """A run of the study: a name on a set of clips with a seed."""

    clips: str
    name: str
    seed: int

    @property
    def folder(self) -> str:
        """Its run's, below ``--work``."""
        return f"{self.clips}-{in_a_path(self.name)}-{self.seed}"

    @property
    def choices(self) -> list[str]:
        """What is asked of `mer train`."""
        best = f"experiment={self.clips}_flow_best"
        if self.name == "best":
            return [best] if self.clips == "composite" else [best, WATCHED]
        if self.name == WITH_SYNTHETIC:
            return [best, *SYNTHETIC]
        if self.name == "before":
            return ["experiment=smic_flow"]
        if others := {**BASELINES, **ACROSS}.get(self.name):
            return list(others)
        return [best, *FIVE_FOLDS, *ABLATIONS[self.name]]


def jobs(part: str, seeds: Sequence[int]) -> Iterator[Job]:
    """The jobs of a part, seed by seed."""
    for seed in seeds:
        if part == "best":
            yield from (Job(clips, "best", seed) for clips in SETS)
        elif part == "synthetic":
            yield from (Job(clips, WITH_SYNTHETIC, seed) for clips in SETS)
        elif part == "baselines":
            yield from (Job(clips, name, seed) for name in BASELINES for clips in SETS)
        elif part == "across":
            yield from (Job("composite", name, seed) for name in ACROSS)
        elif part == "before":
            yield from (Job(clips, "before", seed) for clips in ("smic", "casme2"))
        else:
            yield from (Job("composite", name, seed) for name in ABLATIONS)


def main() -> None:
    """Train what is missing of the parts asked for, one run after another, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "root", type=Path, nargs="?", metavar="ROOT", help="holds smic and casme2 with their labels.csv"
    )
    parser.add_argument("--work", type=Path, required=True, help="keeps the runs; one that was killed goes on")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=["best"])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET", help=", ".join(SETS))
    parser.add_argument("--names", nargs="+", metavar="NAME", help="rows of these names alone")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5), metavar="SEED")
    parser.add_argument("--collect", action="store_true", help="train nothing: write the tables of what is done")
    given = parser.parse_args()
    if not given.collect:
        if given.root is None:
            parser.error("ROOT is missing")
        for part in given.parts:
            for job in jobs(part, given.seeds):
                if job.clips not in given.sets or (given.names and job.name not in given.names):
                    continue
                say(f"{job.clips}, {job.name}, seed {job.seed}")
                train(given.root, job.clips, [f"seed={job.seed}", *job.choices], given.work / job.folder)
                collect(given.work)
    print(collect(given.work).to_string(index=False))


def train(root: Path, clips: str, choices: Sequence[str], folder: Path) -> None:
    """Train what ``choices`` ask of `mer train` on a set of clips into ``folder``, unless it is there."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", [*data_words(root, clips), f"run_dir={folder}", *choices, "name=real_flow"])
    run_experiment(cfg)


def data_words(root: Path, clips: str) -> list[str]:
    """What chooses a set of clips, and the processor."""
    roots = ",".join(str(root / one) for one in SETS[clips])
    return ["dataset=flow_images", f"dataset.roots=[{roots}]", "trainer.accelerator=cpu"]


def collect(work: Path) -> pd.DataFrame:
    """Write results.csv, a row a finished run, and summary.csv, a row a name over its seeds; return the latter."""
    runs = pd.DataFrame([run_row(job, work / job.folder) for job in finished(work)])
    runs.to_csv(HERE / "results.csv", index=False, float_format="%.4f", lineterminator="\n")
    rows = []
    for _, group in runs.groupby(["clips", "name"], sort=False):
        clips, name = str(group["clips"].iloc[0]), str(group["name"].iloc[0])
        tables = [read_predictions(work / Job(clips, name, seed).folder / "predictions.csv") for seed in group["seed"]]
        rows += [
            {"clips": where, "name": name, "folds": group["folds"].iloc[0], "seeds": len(group)}
            | seeds_row(parts)
            | costs(group, where == clips)
            for where, parts in by_dataset(clips, tables)
        ]
    summary = pd.DataFrame(rows)
    summary.to_csv(HERE / "summary.csv", index=False, float_format="%.4f", lineterminator="\n")
    tests = pd.DataFrame(test_rows(work), columns=TESTED)
    tests.to_csv(HERE / "tests.csv", index=False, float_format="%.4f", lineterminator="\n")
    texts = [markdown(part) for _, part in summary.groupby(["clips", "folds"])]
    texts += [tests_markdown(part) for _, part in tests.groupby(["clips", "reference"])]
    (HERE / "tables.md").write_text("".join(texts))
    return summary


def test_rows(work: Path) -> list[dict[str, Any]]:
    """Each name against the recipe in the same folds, with the seeds that both have; p by Holm for those of a table."""
    done = set(finished(work))
    others = [(clips, "best", [*BASELINES, WITH_SYNTHETIC]) for clips in SETS]
    found = []
    for clips, reference, names in [*others, ("composite", ALL, [name for name in ABLATIONS if name != ALL])]:
        rows = []
        for name in names:
            seeds = [one for one in range(MOST_SEEDS) if {drawn(clips, name, one), Job(clips, reference, one)} <= done]
            if seeds:
                one, two = ([predictions(work, clips, which, seed) for seed in seeds] for which in (name, reference))
                rows.append({"clips": clips, "name": name, "reference": reference} | test_row(one, two))
        corrected = holm([float(row["uf1_p"]) for row in rows])
        found += [row | {"uf1_p_holm": p} for row, p in zip(rows, corrected, strict=True)]
    return found


def drawn(clips: str, name: str, seed: int) -> Job:
    """The job of this seed; what draws nothing has one for all."""
    return Job(clips, name, 0 if name in DRAW_NOTHING else seed)


def predictions(work: Path, clips: str, name: str, seed: int) -> pd.DataFrame:
    """Those of a run, in the clips' order."""
    table = read_predictions(work / drawn(clips, name, seed).folder / "predictions.csv")
    return table.sort_values(["dataset", "subject", "clip"], ignore_index=True)


def test_row(one: Sequence[pd.DataFrame], two: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Difference of UF1, mean and sd over seeds; p where a subject's predictions of all seeds are exchanged at once."""
    pairs = list(zip(one, two, strict=True))
    differences = [
        float(np.subtract(*(score_predictions(one, draws=0)["pooled"]["uf1"] for one in pair))) for pair in pairs
    ]
    ours, theirs = (pd.concat(tables, ignore_index=True) for tables in (one, two))
    if not ours[["dataset", "subject", "clip", "target"]].equals(theirs[["dataset", "subject", "clip", "target"]]):
        raise ValueError("two runs of other clips")
    classes = sorted(set(ours["target"]) | set(ours["prediction"]) | set(theirs["prediction"]))
    targets, first = class_numbers(ours, classes)
    second = class_numbers(theirs, classes)[1]
    _, p = permutation_test(targets, first, second, subject_keys(ours).to_numpy(object), len(classes))["uf1"]
    sd = float(np.std(differences, ddof=1)) if len(differences) > 1 else math.nan
    return {"seeds": len(differences), "uf1_difference": float(np.mean(differences)), "uf1_sd": sd, "uf1_p": p}


def tests_markdown(part: pd.DataFrame) -> str:
    """The table of one set of clips: differences, p, and p by Holm."""
    lines = [
        f'## {part["clips"].iloc[0]}: UF1 less that of "{part["reference"].iloc[0]}", paired\n',
        "| | seeds | difference | p | p, Holm |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in part.to_dict("records"):
        difference = f"{row['uf1_difference']:+.3f}{_cell(row['uf1_sd'], 3, ' ± ')}"
        lines.append(
            f"| {row['name']} | {row['seeds']} | {difference} | {row['uf1_p']:.3f} | {row['uf1_p_holm']:.3f} |"
        )
    return "\n".join(lines) + "\n\n"


def markdown(part: pd.DataFrame) -> str:
    """The table of one set of clips in one protocol: mean over seeds, standard deviation, interval over subjects."""
    lines = [
        f"## {part['clips'].iloc[0]}, {part['folds'].iloc[0]} folds\n",
        f"| | seeds | accuracy | UF1 | UAR | {MEAN_OF_SEEDS} | {LEAKS} | seconds a run |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in part.to_dict("records"):
        scores = [_score_cell(row, name) for name in ("accuracy", "uf1", "uar")]
        rest = [_cell(row[name], digits) for name, digits in (("leaky_uf1", 3), ("seconds", 0))]
        cells = [row["name"], str(row["seeds"]), *scores, _cell(row["uf1_of_mean_probabilities"], 3), *rest]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n\n"


def _score_cell(row: Any, name: str) -> str:
    interval = f"{row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f}"
    return f"{row[name]:.3f}{_cell(row[f'{name}_sd'], 3, ' ± ')} ({interval})"


def _cell(value: float, digits: int, before: str = "") -> str:
    return "" if pd.isna(value) else f"{before}{value:.{digits}f}"


def finished(work: Path) -> Iterator[Job]:
    """The jobs whose runs ``work`` holds whole."""
    for part in PARTS:
        names = dict.fromkeys((job.clips, job.name) for job in jobs(part, [0]))
        for clips, name in names:
            for seed in range(MOST_SEEDS):
                if (work / Job(clips, name, seed).folder / "metrics.json").is_file():
                    yield Job(clips, name, seed)


def run_row(job: Job, folder: Path) -> dict[str, Any]:
    """Scores of one run, those that leak where they were asked for, and the seconds that its folds took."""
    metrics = read_run(folder).metrics
    row = {"clips": job.clips, "name": job.name, "folds": metrics["n_folds"], "seed": job.seed}
    row |= {name: metrics[name] for name in MAIN_SCORES}
    leaky = metrics.get(LEAKY, {})
    return row | {f"leaky_{name}": leaky.get(name) for name in ("accuracy", "uf1")} | {"seconds": metrics["seconds"]}


def by_dataset(clips: str, tables: Sequence[pd.DataFrame]) -> Iterator[tuple[str, list[pd.DataFrame]]]:
    """The predictions of all clips, and where two datasets were joined, those of each."""
    yield clips, list(tables)
    if len(SETS[clips]) > 1:
        for dataset in SETS[clips]:
            yield f"{clips}: {dataset}", [table[table["dataset"] == dataset] for table in tables]


def seeds_row(tables: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Mean and standard deviation over seeds, the 95 % interval over subjects, and the seeds' mean probabilities.

    The interval is that of all seeds' predictions pooled: a subject is drawn with those of every seed.
    """
    scores = [score_predictions(table, draws=0)["pooled"] for table in tables]
    intervals = score_predictions(pd.concat(tables, ignore_index=True))["pooled"]["intervals"]
    together = score_predictions(averaged(tables), draws=0)["pooled"]
    row: dict[str, float] = {}
    for name in MAIN_SCORES:
        values = [one[name] for one in scores]
        row |= {
            name: float(np.mean(values)),
            f"{name}_sd": float(np.std(values, ddof=1)) if len(values) > 1 else math.nan,
        }
        row |= dict(zip((f"{name}_low", f"{name}_high"), intervals[name], strict=True))
        row[f"{name}_of_mean_probabilities"] = together[name]
    return row


def averaged(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table whose predictions are those of the tables' mean probabilities."""
    columns = [column for column in tables[0].columns if column.startswith("prob_")]
    mean = np.mean([table[columns].to_numpy(float) for table in tables], axis=0)
    names = np.array([column.removeprefix("prob_") for column in columns])
    return tables[0].assign(prediction=names[mean.argmax(axis=1)])


def costs(group: pd.DataFrame, whole: bool) -> dict[str, float | None]:
    """Means over seeds of what leaks and of the seconds; these are of whole runs alone."""
    names = ("leaky_accuracy", "leaky_uf1", "seconds")
    return {name: float(group[name].astype(float).mean()) if whole else None for name in names}


if __name__ == "__main__":
    main()
