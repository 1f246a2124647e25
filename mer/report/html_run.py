"""A run's section of the HTML report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer.engines.run_folds import LEAKY
from mer.predictions import MAIN_SCORES, read_predictions
from mer.report.curves import draw_curves, pool_curves
from mer.report.html_pictures import Pictures
from mer.report.html_tables import Cell, bar_cell, confusion_table, data_table, score_cell
from mer.report.markup import Markup, breakable, element, joined
from mer.report.mistakes import picture_path, worst_mistakes
from mer.report.reproduce import reproduction
from mer.runs import DIVERGED, Run
from mer.tracking.secrets import known_secrets, masked

_FIGURES = {
    "flow_samples": "Flow of each class: its mean, then some clips",
    "flow_on_faces": "Flow over a face of each class",
    "magnification": "Magnification of a face of each class",
}
_EXPLAINED = {  # what `mer explain` leaves in a run's folder
    "gradcam": "Grad-CAM of a clip of each class, fused and by branch; outlined: regions of the class's action units",
    "attention": "Spatial attention by block, of a clip of each class",
}


def run_section(run: Run, number: int, pictures: Pictures, is_open: bool) -> Markup:
    """Everything on one run, ``run-<number>``, below a line that opens it."""
    scores = ", ".join(f"{label} {run.metrics[name]:.3f}" for name, label in MAIN_SCORES.items())
    before = pictures.left_out
    parts = [
        diverged_warning(run.metrics),
        leaky_warning(run.metrics),
        element("h4", "Classes"),
        _classes(run.metrics),
        _datasets(run.metrics),
        element("h4", "Subjects"),
        _subjects(run.metrics["per_subject"]),
        _mistakes(run, pictures),
        _explained(run.path / "explain", pictures),
        _flow(run, pictures),
        _curves(run, pictures),
        element("h4", "How to reproduce this run"),
        reproduction(run),
    ]
    if pictures.left_out > before:
        text = "Pictures of this run were left out to keep the page below 10 MB: "
        parts.insert(0, element("p", text, element("code", "mer report RUN"), " on its folder alone shows them."))
    name = joined([f"Run {number}: ", breakable(run.path.name)])
    summary = element("summary", element("h3", name), element("span", scores, class_="scores"))
    folder = element("p", element("code", str(masked(str(run.path), known_secrets()))))
    return element("details", summary, folder, *parts, id=f"run-{number}", open=is_open, class_="run")


def leaky_warning(metrics: Mapping[str, Any]) -> Markup:
    """A line on the scores of epochs that were chosen on the test clips, where the run has them."""
    leaky = metrics.get(LEAKY)
    if not leaky:
        return Markup()
    told = ", ".join(f"{label} {leaky[name]:.3f}" for name, label in MAIN_SCORES.items() if name in leaky)
    text = f" best epoch of each fold chosen on its test clips, not a result: {told}."
    return element("p", element("strong", "LEAKY:"), text, class_="warning")


def diverged_warning(metrics: Mapping[str, Any]) -> Markup:
    """A line on the folds whose training left the numbers, where the run has such."""
    diverged = metrics.get(DIVERGED)
    if not diverged:
        return Markup()
    told = ", ".join(f"{fold} ({where})" for fold, where in diverged.items())
    return element("p", element("strong", "DIVERGED:"), f" not a result, no numbers in {told}.", class_="warning")


def _classes(metrics: Mapping[str, Any]) -> Markup:
    rows = []
    for label, row in metrics["per_class"].items():
        scores = (score_cell(row[name]) for name in ("precision", "recall", "f1"))
        rows.append([label, Cell(str(row["clips"]), row["clips"]), *scores])
    table = data_table("Classes", ("class", "clips", "precision", "recall", "F1"), rows)
    confusion = confusion_table(np.array(metrics["confusion"]), list(metrics["per_class"]))
    return element("div", confusion, table, class_="pair")


def _datasets(metrics: Mapping[str, Any]) -> Markup:
    datasets = metrics.get("per_dataset") or {}
    if len(datasets) < 2:
        return Markup()
    rows: list[list[Cell | str]] = [
        [name, Cell(str(row["n_clips"]), row["n_clips"]), *(score_cell(row[score]) for score in MAIN_SCORES)]
        for name, row in datasets.items()
    ]
    table = data_table("Datasets", ("dataset", "clips", *MAIN_SCORES.values()), rows)
    return joined([element("h4", "Datasets"), table])


def _subjects(subjects: Mapping[str, Mapping[str, float]]) -> Markup:
    rows: list[list[Cell | str]] = []
    for name, row in subjects.items():
        bar = bar_cell(row["accuracy"], f"{row['accuracy']:.3f}")
        rows.append([name, Cell(f"{row['clips']:g}", row["clips"]), bar])
    return data_table("Accuracy of each subject", ("subject", "clips", "accuracy"), rows)


def _mistakes(run: Run, pictures: Pictures) -> Markup:
    path = run.path / "predictions.csv"
    if not path.is_file():
        return Markup()
    table = read_predictions(path)
    wrong = int((table["target"] != table["prediction"]).sum())
    heading = element("h4", f"Worst mistakes ({wrong} of {len(table)} clips are wrong)")
    worst = worst_mistakes(table).to_dict("records")
    if not worst:
        return joined([heading, element("p", "No clip was taken for another class.")])
    rows = [_mistake(run.path / "figures", {str(key): value for key, value in row.items()}, pictures) for row in worst]
    header = ("clip", "subject", "target", "prediction", "its probability", "target's", "flow")
    shown = [*rows] if any(row[-1].text for row in rows) else [row[:-1] for row in rows]
    caption = "Wrong with the highest probability"
    return joined([heading, data_table(caption, header[: len(shown[0])], shown)])


def _mistake(figures: Path, row: Mapping[str, Any], pictures: Pictures) -> list[Cell]:
    name = f"{row['dataset']}/{row['subject']}/{row.get('clip', '?')}"
    shares = [score_cell(None if np.isnan(row[key]) else row[key]) for key in ("probability", "of_target")]
    texts = [Cell(str(row[key])) for key in ("subject", "target", "prediction")]
    strip = pictures.file(picture_path(figures, row), f"Strip of {name}") if "clip" in row else Markup()
    return [Cell(str(row.get("clip", "-"))), *texts, *shares, Cell(strip)]


def _explained(folder: Path, pictures: Pictures) -> Markup:
    shown = [pictures.file(folder / f"{name}.png", caption) for name, caption in _EXPLAINED.items()]
    return joined([element("h4", "Where the network looks"), *shown]) if any(shown) else Markup()


def _flow(run: Run, pictures: Pictures) -> Markup:
    shown = [pictures.file(run.path / "figures" / f"{name}.png", caption) for name, caption in _FIGURES.items()]
    return joined([element("h4", "Flow"), *shown]) if any(shown) else Markup()


def _curves(run: Run, pictures: Pictures) -> Markup:
    files = sorted(run.path.glob("folds/[!.]*/metrics.csv"))
    if pictures.is_full and files:
        pictures.left_out += 1  # undrawn: hundreds would take minutes
        return Markup()
    pooled = pool_curves([pd.read_csv(file) for file in files])
    if pooled.empty:
        return Markup()
    title = str(run.config.get("name", run.path.name))
    return joined([element("h4", "Training"), pictures.figure(draw_curves(pooled, title), "Training curves")])
