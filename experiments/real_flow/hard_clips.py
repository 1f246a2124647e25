"""Which of SMIC's clips nothing tells: ``hard_clips.py --work WORK``, from the runs that run.py left there."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from run import predictions

SEEDS = range(5)
NETWORKS = (("smic", "best"), ("composite", "best"), ("composite", "trained on the other set"))
OTHERS = ("bi_woof", "off_apexnet", "ststnet")


def main() -> None:
    """Print the clips that every network tells wrong, what other methods make of them, and each subject's accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="WORK of run.py")
    work = parser.parse_args().work
    runs = {kind: np.stack([right(work, *kind, seed)[1] for seed in SEEDS]) for kind in NETWORKS}
    every = np.concatenate([*runs.values()])
    never = ~every.any(axis=0)
    always = every.all(axis=0)
    print(f"{never.sum()} of {never.size} clips wrong in all {len(every)} networks, {always.sum()} right in all")
    for name in OTHERS:
        clips, told = right(work, "smic", name, 0)
        print(f"{name}: right on {told[never].sum()} of the {never.sum()}, on {told[~never].mean():.3f} of the others")
    print(clips[never]["target"].value_counts().to_string())
    mine = pd.DataFrame({"subject": clips["subject"], "accuracy": runs["composite", "best"].mean(axis=0)})
    print(mine.groupby("subject")["accuracy"].agg(["mean", "size"]).sort_values("mean").round(2).to_string())


def right(work: Path, clips: str, name: str, seed: int) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """SMIC's clips of a run in one order, and which of them it tells right."""
    table = predictions(work, clips, name, seed)
    table = table[table["dataset"] == "smic"].reset_index(drop=True)
    return table, (table["prediction"] == table["target"]).to_numpy()


if __name__ == "__main__":
    main()
