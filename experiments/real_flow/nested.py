"""The fusion of both sets' network, chosen for each group of subjects on other people: ``nested.py ROOT --work DIR``.

Subjects are dealt to five groups. For each group the kinds of fusion are scored in four inner folds of the clips of the
other groups, and its own subjects' predictions by LOSO are those of the kind that scored best there: no choice has seen
them. Writes nested.csv; WORK is that of run.py, which trains the LOSO runs (``--parts fusion``).
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
from hydra import compose, initialize_config_dir
from run import FUSIONS, HERE, MOST_SEEDS, SETS, Job

from mer.experiment import load_index, run_experiment
from mer.hydra_app import conf_dir
from mer.predictions import read_predictions, score_predictions
from mer.progress import say
from mer.protocols import Fold, inner_folds, subject_kfold
from mer.runs import read_run

N_GROUPS, N_INNER = 5, 4


def inner_of_group(clips: pd.DataFrame, group: int) -> list[Fold]:
    """The inner folds of the training clips of a group, as a protocol."""
    return inner_folds(subject_kfold(clips, N_GROUPS)[group], clips, N_INNER, seed=1)


def main() -> None:
    """Train the inner folds that are missing, then choose and write what the choices score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, metavar="ROOT", help="holds smic and casme2 with their labels.csv")
    parser.add_argument("--work", type=Path, required=True, help="keeps the runs; one that was killed goes on")
    parser.add_argument("--groups", nargs="+", type=int, choices=range(N_GROUPS), default=range(N_GROUPS), metavar="N")
    given = parser.parse_args()
    roots = ",".join(str(given.root / one) for one in SETS["composite"])
    words = [f"dataset.roots=[{roots}]", "experiment=composite_flow_best", "name=real_flow", "trainer.accelerator=cpu"]
    for group in given.groups:
        for kind in FUSIONS:
            folder = inner_folder(given.work, group, kind)
            if not (folder / "metrics.json").is_file():
                say(f"group {group}, fusion {kind}")
                train([*words, f"model.fusion={kind}", f"run_dir={folder}", "seed=1"], group)
    if all((inner_folder(given.work, *one) / "metrics.json").is_file() for one in every()):
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            clips = load_index(compose("train", words)).clips
        choose(given.work, clips)


def every() -> Iterator[tuple[int, str]]:
    """Each group with each kind of fusion."""
    return ((group, kind) for group in range(N_GROUPS) for kind in FUSIONS)


def inner_folder(work: Path, group: int, kind: str) -> Path:
    """Of the run of a kind in a group's inner folds."""
    return work / f"inner-{group}-{kind}"


def train(words: Sequence[str], group: int) -> None:
    """Train a kind in a group's inner folds."""
    protocol = [
        "+protocol.group=" + str(group),
        "protocol._target_=nested.inner_of_group",
        "~protocol.k",
        "~protocol.seed",
    ]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", [*words, "protocol=subject_kfold", *protocol])
    run_experiment(cfg)


def choose(work: Path, clips: pd.DataFrame) -> None:
    """Write the inner scores, the kind chosen for each group, and the LOSO scores of these choices for each seed."""
    scores = pd.Series({one: read_run(inner_folder(work, *one)).metrics["uf1"] for one in every()})
    chosen = {group: scores[group].idxmax() for group in range(N_GROUPS)}
    rows = [
        {"what": f"inner folds of the others of group {group}, fusion {kind}", "uf1": scores[group, kind]}
        | {"chosen": chosen[group] == kind}
        for group, kind in every()
    ]
    groups = [fold.test for fold in subject_kfold(clips, N_GROUPS)]
    for seed in range(MOST_SEEDS):
        tables = {kind: loso(work, kind, seed) for kind in set(chosen.values())}
        if all(table is not None for table in tables.values()):
            rows.append({"what": f"LOSO, seed {seed}"} | pooled(clips, groups, chosen, tables))
    pd.DataFrame(rows).to_csv(HERE / "nested.csv", index=False, float_format="%.4f", lineterminator="\n")
    print(pd.DataFrame(rows).to_string())


def loso(work: Path, kind: str, seed: int) -> pd.DataFrame | None:
    """The predictions of a kind by LOSO, clip by clip; None where they are not there."""
    file = work / Job("composite", FUSIONS[kind], seed).folder / "predictions.csv"
    return read_predictions(file).set_index(["dataset", "subject", "clip"], drop=False) if file.is_file() else None


def pooled(
    clips: pd.DataFrame,
    groups: Sequence[Sequence[int]],
    chosen: Mapping[int, str],
    tables: Mapping[str, pd.DataFrame | None],
) -> dict[str, float]:
    """Scores of all clips, each predicted by the kind that its group's choice names."""
    parts = []
    for group, rows in enumerate(groups):
        keys = list(clips.iloc[list(rows)][["dataset", "subject", "clip"]].itertuples(index=False, name=None))
        table = tables[chosen[group]]
        if table is not None:
            parts.append(table.loc[keys])
    whole = pd.concat(parts, ignore_index=True)
    row = {name: score_predictions(whole, draws=0)["pooled"][name] for name in ("accuracy", "uf1", "uar")}
    for dataset, part in whole.groupby("dataset"):
        row[f"{dataset}_uf1"] = score_predictions(part, draws=0)["pooled"]["uf1"]
    return row


if __name__ == "__main__":
    main()
