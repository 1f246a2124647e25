"""What the HTML report says of all runs together: their summary, their table, the sweep's figure, unfinished ones."""

from collections.abc import Mapping, Sequence

import numpy as np

from mer.comparison import SeedGroup, group_seeds
from mer.predictions import MAIN_SCORES
from mer.report.html_pictures import Pictures
from mer.report.html_tables import Cell, data_table, score_cell
from mer.report.markup import Markup, element, joined
from mer.report.sweep_figures import draw_sweep
from mer.runs import Run, UnfinishedRun, differing_settings
from mer.tracking.secrets import known_secrets, masked

_MOST_COLUMNS = 6  # of settings; more stand in one cell
_MOST_RUNS = 4000  # in the table
_MOST_BARS = 40
_MOST_NAMED = 200  # unfinished runs


def summary(runs: Sequence[Run]) -> Markup:
    """The scores of one run, or their spread over several, and what the scores are."""
    cards = [_card(label, *_spread(runs, name)) for name, label in MAIN_SCORES.items()]
    cards.append(_card("clips", *_counted(runs, "n_clips")))
    cards.append(_card("subjects", *_counted(runs, "n_subjects")))
    cards.append(_card("folds", *_counted(runs, "n_folds")))
    return joined([element("dl", *cards, class_="cards"), element("p", _what_scores_are(runs)), _floor(runs)])


def runs_table(runs: Sequence[Run], sections: int) -> Markup:
    """A row a run: the settings in which the runs differ, clips, scores with intervals.

    Args:
        runs: of the report.
        sections: so many of them have a section, ``run-1`` and so on.
    """
    secrets = known_secrets()
    settings: list[dict[str, str]] = [masked(one, secrets) for one in differing_settings(runs)]
    names = list(settings[0]) if settings else []
    columns = names if len(names) <= _MOST_COLUMNS else []
    rows = []
    for number, (run, one) in enumerate(zip(runs[:_MOST_RUNS], settings, strict=False), start=1):
        link = element("a", f"run {number}", href=f"#run-{number}") if number <= sections else f"run {number}"
        told = [_setting(one[key]) for key in columns] or [Cell(_as_text(one))] * bool(names)
        scores = [score_cell(run.metrics[key], run.metrics["intervals"][key]) for key in MAIN_SCORES]
        clips = Cell(str(run.metrics["n_clips"]), run.metrics["n_clips"])
        rows.append([Cell(link, number), *told, clips, *scores, Cell(run.path.name)])
    header = ["run", *(columns or ["settings that differ"] * bool(names)), "clips", *MAIN_SCORES.values(), "folder"]
    more = len(runs) - _MOST_RUNS
    note = element("p", f"{more} more runs were left out of the table.") if more > 0 else Markup()
    return joined([data_table("Runs, and the settings in which they differ", header, rows), note])


def sweep_figure(runs: Sequence[Run], pictures: Pictures) -> Markup:
    """The figure that fits the settings in which the runs differ; nothing where they do not."""
    groups: list[SeedGroup] = group_seeds(runs)
    if len(groups) < 2:
        return Markup()
    if len(groups) > _MOST_BARS:
        text = f"No figure is drawn of {len(groups)} settings; "
        return element("p", text, element("code", "mer compare DIR --figures FOLDER"), " draws any number.")
    figure, names = draw_sweep(groups)
    what = "the runs' settings" if names == ["runs"] else " and ".join(names)
    return pictures.figure(figure, f"Pooled scores by {what}")


def unfinished_table(runs: Sequence[UnfinishedRun]) -> Markup:
    """A row a run that has no result; nothing where there are none."""
    secrets = known_secrets()
    rows: list[list[Cell | str]] = [
        [run.path.name, str(masked(run.state, secrets)), Cell(str(run.folds_done), run.folds_done)]
        for run in runs[:_MOST_NAMED]
    ]
    more = len(runs) - _MOST_NAMED
    note = element("p", f"And {more} more.") if more > 0 else Markup()
    return joined([data_table("Runs without a result", ("run", "state", "complete folds"), rows), note])


def _card(label: str, value: str, more: str) -> Markup:
    return element("div", element("dt", label), element("dd", value, element("span", more, class_="interval")))


def _spread(runs: Sequence[Run], name: str) -> tuple[str, str]:
    values = [float(run.metrics[name]) for run in runs]
    if len(runs) == 1:
        low, high = runs[0].metrics["intervals"][name]
        return f"{values[0]:.3f}", f" [{low:.3f}, {high:.3f}]"
    return f"{np.median(values):.3f}", f" median of {min(values):.3f} to {max(values):.3f}"


def _counted(runs: Sequence[Run], name: str) -> tuple[str, str]:
    found = sorted({run.metrics[name] for run in runs if name in run.metrics})
    if not found:
        return "-", ""
    return (str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"), ""


def _what_scores_are(runs: Sequence[Run]) -> str:
    protocols = sorted({_protocol(run) for run in runs} - {""})
    of = f" (protocol {', '.join(protocols)})" if protocols else ""
    text = f"Scores are computed once, from the predictions of all folds together{of}; the last epoch counts. "
    text += "Brackets: 95 % interval when subjects are drawn with replacement."
    if len(runs) > 1:
        text += " The best of several runs is no result: it was chosen on the very subjects that it is told of."
    return text


def _floor(runs: Sequence[Run]) -> Markup:
    """What a classifier scores that always says the most frequent class; nothing where the runs' clips differ."""
    counts = {tuple(sorted((label, row["clips"]) for label, row in run.metrics["per_class"].items())) for run in runs}
    (classes, *others) = counts
    total = sum(clips for _, clips in classes)
    if others or not total:
        return Markup()
    label, most = max(classes, key=lambda one: one[1])
    present = sum(clips > 0 for _, clips in classes)
    text = f"Saying “{label}” of every clip would have accuracy {most / total:.3f} and UAR {1 / present:.3f}."
    return element("p", text)


def _protocol(run: Run) -> str:
    protocol = run.config.get("protocol")
    return str(protocol.get("_target_", "")).rpartition(".")[2] if isinstance(protocol, Mapping) else ""


def _setting(value: str) -> Cell:
    try:
        return Cell(value, float(value))
    except ValueError:
        return Cell(value)


def _as_text(settings: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in settings.items() if value != "-")
