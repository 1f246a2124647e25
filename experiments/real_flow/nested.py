"""Parts of the recipe chosen for each group of subjects on other people: ``nested.py ROOT --work DIR``, see README.md.

Subjects of both sets are dealt to five groups. For each group the candidates are scored in four inner folds of the
other groups' clips, and its own subjects are predicted by LOSO with the one that scored best there: no choice has seen
them. Writes nested.csv. ``--groups`` alone scores and predicts these: several processes can share the work.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from hydra import compose, initialize_config_dir
from run import ABLATIONS, ALL, HERE, data_words, in_a_path, train

from mer.clip import subject_keys
from mer.experiment import load_index
from mer.hydra_app import conf_dir
from mer.predictions import read_predictions, score_predictions
from mer.progress import say
from mer.protocols import Fold, inner_folds, subject_kfold
from mer.runs import read_run

N_GROUPS, N_INNER = 5, 4
RECIPE = "experiment=composite_flow_best"
NEITHER = "no shift, no class weights"
CANDIDATES = {name: ABLATIONS[name] for name in (ALL, "no shift", "no class weights")}
CANDIDATES[NEITHER] = (*CANDIDATES["no shift"], *CANDIDATES["no class weights"])


def inner_of_group(clips: pd.DataFrame, group: int) -> list[Fold]:
    """The inner folds of the training clips of a group, as a protocol."""
    return inner_folds(subject_kfold(clips, N_GROUPS)[group], clips, N_INNER, seed=1)


def main() -> None:
    """Score the candidates in each group's inner folds, predict the group with the best one, pool the groups."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, metavar="ROOT", help="holds smic and casme2 with their labels.csv")
    parser.add_argument("--work", type=Path, required=True, help="keeps the runs; one that was killed goes on")
    parser.add_argument("--groups", nargs="+", type=int, choices=range(N_GROUPS), default=range(N_GROUPS), metavar="N")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5), metavar="SEED", help="of the predictions")
    given = parser.parse_args()
    for group in given.groups:
        for name in CANDIDATES:
            inner(given.root, group, name, given.work)
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        clips = load_index(compose("train", [*data_words(given.root, "composite"), RECIPE])).clips
    for seed in given.seeds:
        for group in given.groups:
            predict(given.root, group, seed, clips, given.work)
    if list(given.groups) == list(range(N_GROUPS)):
        write(given.work, given.seeds)


def inner(root: Path, group: int, name: str, work: Path) -> None:
    """Train a candidate in a group's inner folds."""
    say(f"group {group}, {name}")
    protocol = ["protocol=subject_kfold", "protocol._target_=nested.inner_of_group", "~protocol.k", "~protocol.seed"]
    words = [RECIPE, *CANDIDATES[name], *protocol, f"+protocol.group={group}", "seed=1"]
    train(root, "composite", words, work / inner_folder(group, name))


def predict(root: Path, group: int, seed: int, clips: pd.DataFrame, work: Path) -> None:
    """Predict a group's subjects by LOSO with the candidate that its inner folds name."""
    subjects = subject_keys(clips).iloc[subject_kfold(clips, N_GROUPS)[group].test].unique()
    name = chosen(group, work)
    say(f"group {group}, seed {seed}: {name}")
    words = [RECIPE, *CANDIDATES[name], f"protocol.only=[{','.join(subjects)}]", f"seed={seed}"]
    train(root, "composite", words, work / f"nested-{group}-{seed}")


def inner_folder(group: int, name: str) -> str:
    """Of a candidate's run in a group's inner folds."""
    return f"inner-{group}-{in_a_path(name)}"


def inner_scores(group: int, work: Path) -> dict[str, float]:
    """Each candidate's UF1 in a group's inner folds."""
    return {name: read_run(work / inner_folder(group, name)).metrics["uf1"] for name in CANDIDATES}


def chosen(group: int, work: Path) -> str:
    """The candidate of the highest UF1."""
    scores = inner_scores(group, work)
    return max(scores, key=scores.__getitem__)


def write(work: Path, seeds: Sequence[int]) -> None:
    """Write the inner scores with the choice, and what the choices score by LOSO for each seed."""
    rows: list[dict[str, object]] = [
        {"what": f"inner folds without group {group}", "name": name, "uf1": uf1, "chosen": name == chosen(group, work)}
        for group in range(N_GROUPS)
        for name, uf1 in inner_scores(group, work).items()
    ]
    for seed in seeds:
        parts = [read_predictions(work / f"nested-{group}-{seed}" / "predictions.csv") for group in range(N_GROUPS)]
        whole = pd.concat(parts, ignore_index=True)
        pooled = score_predictions(whole, draws=0)["pooled"]
        row = {"what": f"LOSO, seed {seed}", "name": "as chosen"} | {
            one: pooled[one] for one in ("accuracy", "uf1", "uar")
        }
        for dataset, part in whole.groupby("dataset"):
            row[f"{dataset}_uf1"] = score_predictions(part, draws=0)["pooled"]["uf1"]
        rows.append(row)
    table = pd.DataFrame(rows)
    table.to_csv(HERE / "nested.csv", index=False, float_format="%.4f", lineterminator="\n")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
