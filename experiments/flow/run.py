"""What flow method and magnification do to the score: ``python experiments/flow/run.py``, see README.md."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from hydra import compose, initialize_config_dir

from mer.experiment import run_experiment
from mer.hydra_app import conf_dir
from mer.predictions import MAIN_SCORES, read_predictions, score_predictions
from mer.progress import say
from mer.synth import write_casme2

HERE = Path(__file__).parent
FLOWS = ("tvl1", "dis", "farneback")
MAGNIFY = ("evm", "none")
SETS = (0, 1, 2)  # seeds of the synthetic sets: each has eight other people


def main() -> None:
    """Write the sets, train on each with each flow, write results.csv and results.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="keeps clips, store and runs; finished ones are taken as they are")
    parser.add_argument("--flows", nargs="+", default=FLOWS)
    parser.add_argument("--sets", nargs="+", type=int, default=SETS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        table = measure(given.work or Path(temporary), given.flows, given.sets)
    table.to_csv(HERE / "results.csv", index=False, float_format="%.4f", lineterminator="\n")
    plot(table, HERE / "results.png")
    print(table.to_string(index=False))


def measure(work: Path, flows: Sequence[str], sets: Sequence[int]) -> pd.DataFrame:
    """One row a flow and magnification: scores pooled over the sets, and the UAR of each set."""
    predicted: dict[tuple[str, str], list[pd.DataFrame]] = {(flow, one): [] for flow in flows for one in MAGNIFY}
    for number in sets:
        for (flow, magnify), tables in predicted.items():
            say(f"set {number}, flow {flow}, magnify {magnify}")
            tables.append(predictions(work, number, flow, magnify))
    rows = [{"flow": flow, "magnify": one} | scores(tables, sets) for (flow, one), tables in predicted.items()]
    return pd.DataFrame(rows)


def predictions(work: Path, number: int, flow: str, magnify: str) -> pd.DataFrame:
    """Train the demo's network on a set, written where it is missing; subjects are named after the set too."""
    root, run = work / f"set{number}", work / f"{flow}-{magnify}-set{number}"
    if not (root / "truth.csv").is_file():
        write_casme2(root, seed=number)
    words = [f"flow={flow}", f"magnify={magnify}", "trainer.accelerator=cpu"]
    places = [f"dataset.root={root}", f"store={work / 'store'}", f"run_dir={run}"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", ["experiment=demo", *words, *places])
    if not (run / "metrics.json").is_file():
        run_experiment(cfg)
    table = read_predictions(run / "predictions.csv")
    return table.assign(subject=f"set{number}-" + table["subject"])


def scores(tables: Sequence[pd.DataFrame], sets: Sequence[int]) -> dict[str, Any]:
    """Accuracy, UF1 and UAR of all sets' predictions together with 95 % intervals over subjects; UAR of each set."""
    pooled = score_predictions(pd.concat(tables))["pooled"]
    row: dict[str, Any] = {"n_clips": pooled["n_clips"], "n_subjects": pooled["n_subjects"]}
    for name in MAIN_SCORES:
        low, high = pooled["intervals"][name]
        row |= {name: pooled[name], f"{name}_low": low, f"{name}_high": high}
    alone = {number: score_predictions(table, draws=0)["pooled"] for number, table in zip(sets, tables, strict=True)}
    return row | {f"uar_set{number}": score["uar"] for number, score in alone.items()}


def plot(table: pd.DataFrame, file: Path) -> None:
    """UAR with its interval for each flow, magnified and not; small dots are the sets."""
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    flows = list(dict.fromkeys(table["flow"]))
    for shift, marker, colour, magnify in ((-0.1, "o", "#0072b2", "evm"), (0.1, "s", "#d55e00", "none")):
        rows = table[table["magnify"] == magnify]
        places = [flows.index(flow) + shift for flow in rows["flow"]]
        reach = [rows["uar"] - rows["uar_low"], rows["uar_high"] - rows["uar"]]
        axes.errorbar(places, rows["uar"], reach, fmt=marker, color=colour, capsize=4, label=f"magnify={magnify}")
        for name in [column for column in table if column.startswith("uar_set")]:
            axes.plot(places, rows[name], ".", color=colour, alpha=0.5)
    axes.axhline(1 / 3, color="k", lw=0.8, ls=":")
    axes.text(len(flows) - 0.5, 1 / 3, "chance", ha="right", va="bottom", fontsize="small")
    axes.set_xticks(range(len(flows)), flows)
    axes.set(ylabel="UAR", ylim=(0, 1), xlim=(-0.5, len(flows) - 0.5))
    axes.legend()
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    main()
