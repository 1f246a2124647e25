"""The W&B workspace and report that compare a project's runs. Their metrics are those that ``wandb_run`` logs."""

import json
from collections.abc import Sequence
from typing import Any

from mer.errors import MerError
from mer.predictions import MAIN_SCORES
from mer.tracking.wandb_package import wandb
from mer.tracking.wandb_run import wandb_mode

try:
    import wandb_workspaces.reports.v2 as wr
    import wandb_workspaces.workspaces as ws
    from wandb_workspaces import expr
except ImportError as missing:
    raise MerError(
        "the package wandb-workspaces", "none that can be imported", "pip install 'mer[dashboard]'"
    ) from missing

_NAME = "mer: runs compared"
_CIVIDIS = ("#00224E", "#434E6C", "#7D7C78", "#BCAF6F", "#FEE838")  # even steps, for colour-blind readers too
_MAGNIFICATION = ("magnify.alpha", "magnify.lambda_c")
_DEPTH = "model.depth"
_BRANCHES = ("features.branch_a", "features.branch_b")
_LOSO_RUNS = "JobType", "loso"  # the runs of single folds are left out


def sections() -> dict[str, tuple[str, list[Any]]]:
    """Title -> what it shows, and its panels."""
    return {
        "Runs beside each other": ("Scores are pooled over all folds; the last epoch counts.", _run_panels()),
        "alpha x lambda_c": ("Each point is a run; its colour is UF1.", _magnification_panels()),
        "Depth": ("Scores over the number of blocks, and how training went.", _depth_panels()),
        "Features": ("Mean over runs, and standard deviation, by a branch's input.", _feature_panels()),
    }


def build_workspace(project: str, entity: str = "") -> Any:
    """The workspace, not saved."""
    shown = [*(f"summary:{name}" for name in MAIN_SCORES), *(_column(name) for name in (*_MAGNIFICATION, _DEPTH))]
    return ws.Workspace(
        entity=entity,
        project=project,
        name=_NAME,
        sections=[ws.Section(name=title, panels=panels, is_open=True) for title, (_, panels) in sections().items()],
        runset_settings=ws.RunsetSettings(
            filters=[_only_loso()], order=[ws.Ordering(expr.Summary("uf1"), ascending=False)], pinned_columns=shown
        ),
    )


def build_report(project: str, entity: str = "") -> Any:
    """The report, not saved."""
    blocks: list[Any] = [wr.TableOfContents()]
    for title, (says, panels) in sections().items():
        runs = wr.Runset(name="LOSO runs", filters=[_only_loso()])  # of the report's own project
        blocks += [wr.H2(title), wr.P(says), wr.PanelGrid(runsets=[runs], panels=panels)]
    return wr.Report(project=project, entity=entity, title=_NAME, blocks=blocks, width="fluid")


def as_json(project: str, entity: str = "") -> dict[str, Any]:
    """Workspace and report as they would be sent, made without a server."""
    built = {"workspace": build_workspace(project, entity), "report": build_report(project, entity)}
    return {
        name: json.loads(one._to_model().model_dump_json(by_alias=True, exclude_none=True))
        for name, one in built.items()
    }


def save(project: str, entity: str | None = None) -> list[str]:
    """Save both on the W&B server. Returns their addresses.

    Raises:
        MerError: nobody has logged in, or the server refuses or cannot be reached.
    """
    if wandb_mode() != "online":
        raise MerError("a W&B login", "none, or WANDB_MODE set", "run `wandb login`, or give --dry-run")
    try:
        owner = entity or wandb.Api().default_entity or ""
        return [str(build(project, owner).save().url) for build in (build_workspace, build_report)]
    except Exception as error:  # wandb's, requests' and GraphQL's own kinds
        reason = " ".join(str(error).split())
        raise MerError(f"to save in project {project}", reason, "check --entity and the network") from error


def _run_panels() -> list[Any]:
    scores = list(MAIN_SCORES)
    return [
        wr.BarPlot(title="Pooled scores", metrics=scores, orientation="h", layout=_place(0, 0)),
        wr.ParallelCoordinatesPlot(title="Settings and UF1", columns=_columns(), layout=_place(1, 0)),
        wr.RunComparer(diff_only=True, layout=_place(2, 0)),
        wr.MediaBrowser(title="Confusion matrices", media_keys=["figures/confusion"], layout=_place(0, 1)),
        wr.MediaBrowser(title="Curves over folds", media_keys=["figures/curves"], layout=_place(1, 1)),
    ]


def _magnification_panels() -> list[Any]:
    alpha, lambda_c = map(wr.Config, _MAGNIFICATION)
    colours = [
        wr.GradientPoint(color=colour, offset=100 * number / (len(_CIVIDIS) - 1))
        for number, colour in enumerate(_CIVIDIS)
    ]
    grid = {"x": alpha, "y": lambda_c, "z": wr.SummaryMetric("uf1"), "gradient": colours}
    return [
        wr.ScatterPlot(title="UF1 over alpha and lambda_c", **grid, layout=_place(0, 0)),
        wr.ScatterPlot(title="UF1 over alpha", **_over(alpha, "uf1"), layout=_place(1, 0)),
        wr.ScatterPlot(title="UF1 over lambda_c", **_over(lambda_c, "uf1"), layout=_place(2, 0)),
    ]


def _depth_panels() -> list[Any]:
    depth = wr.Config(_DEPTH)
    training = {"x": "epoch", "groupby": depth, "groupby_aggfunc": "mean", "groupby_rangefunc": "minmax"}
    return [
        wr.ScatterPlot(title="UF1 over depth", **_over(depth, "uf1"), layout=_place(0, 0)),
        wr.ScatterPlot(title="UAR over depth", **_over(depth, "uar"), layout=_place(1, 0)),
        wr.LinePlot(title="Training loss by depth", y=["curves/train_loss/mean"], **training, layout=_place(2, 0)),
    ]


def _feature_panels() -> list[Any]:
    grouped = {"metrics": ["uf1"], "groupby_aggfunc": "mean", "groupby_rangefunc": "stddev", "orientation": "v"}
    return [
        wr.BarPlot(title=f"UF1 by {branch}", groupby=wr.Config(branch), **grouped, layout=_place(number, 0))
        for number, branch in enumerate(_BRANCHES)
    ]


def _columns() -> Sequence[Any]:
    shown = [*map(wr.Config, (*_MAGNIFICATION, _DEPTH)), wr.SummaryMetric("uf1")]
    return [wr.ParallelCoordinatesPlotColumn(metric=metric) for metric in shown]


def _over(setting: Any, score: str) -> dict[str, Any]:
    return {"x": setting, "y": wr.SummaryMetric(score), "running_ymean": True}


def _only_loso() -> Any:
    name, value = _LOSO_RUNS
    return expr.Metric(name) == value


def _column(setting: str) -> str:
    group, _, name = setting.partition(".")
    return f"config:{group}.value.{name}"


def _place(column: int, row: int) -> Any:
    """A third of the page's 24 columns."""
    return wr.Layout(x=8 * column, y=8 * row, w=8, h=8)
