"""Confusion matrices of finished runs: ``python experiments/fig5_6_confusion/plot.py RUN...``, see README.md."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from mer.report.figures import plot_confusion, row_shares
from mer.runs import Run, read_run

HERE = Path(__file__).parent


def main() -> None:
    """Write a figure a run, named by its datasets, and results.csv of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    tables = [draw(read_run(folder)) for folder in parser.parse_args().runs]
    pd.concat(tables).to_csv(HERE / "results.csv", index=False, float_format="%.4f", lineterminator="\n")


def draw(run: Run) -> pd.DataFrame:
    """Write the figure of ``run``; a row a cell of its matrix."""
    name, classes = "+".join(run.metrics["per_dataset"]), run.metrics["classes"]
    counts = np.array(run.metrics["confusion"])
    scores = ", ".join(f"{label} {run.metrics[key]:.3f}" for key, label in (("uf1", "UF1"), ("uar", "UAR")))
    plot_confusion(counts, classes, f"{name}: {scores}", HERE / f"{name}.png")
    targets, predictions = np.meshgrid(classes, classes, indexing="ij")
    columns = {"target": targets, "prediction": predictions, "clips": counts, "share": row_shares(counts)}
    table = pd.DataFrame({key: values.ravel() for key, values in columns.items()})
    table.insert(0, "dataset", name)
    return table


if __name__ == "__main__":
    main()
