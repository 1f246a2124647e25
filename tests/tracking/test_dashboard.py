"""`mer dashboard`: what it would send to W&B, and that it sends nothing where nobody logged in."""

import json
import sys
from typing import Any

import pytest

from tests.fakes.runs import fake_metrics, fake_predictions
from tests.runner import run_mer

pytest.importorskip("wandb_workspaces")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:wandb")


@pytest.fixture
def sent(capsys: pytest.CaptureFixture[str]) -> Any:
    result = run_mer(capsys, "dashboard", "faces", "--entity", "lab", "--dry-run")
    assert result.code == 0, result.err
    assert result.err == ""
    return json.loads(result.out)


def workspace_panels(sent: Any) -> dict[str, Any]:
    found = sent["workspace"]["spec"]["section"]["panelBankConfig"]["sections"]
    return {section["name"]: section["panels"] for section in found}


def test_workspace_belongs_to_the_project_and_shows_whole_runs_alone(sent: Any) -> None:
    workspace = sent["workspace"]
    assert (workspace["project"], workspace["entity"]) == ("faces", "lab")
    (runs,) = workspace["spec"]["section"]["runSets"]
    (only,) = runs["filters"]["filters"]
    assert (only["key"]["name"], only["op"], only["value"]) == ("jobType", "=", "loso")
    assert runs["sort"]["keys"][0]["key"]["name"] == "uf1"


def test_magnification_is_a_grid_coloured_by_uf1(sent: Any) -> None:
    config = workspace_panels(sent)["alpha x lambda_c"][0]["config"]
    axes = [config[name] for name in ("xAxis", "yAxis", "zAxis")]
    assert axes == ["config:magnify.value.alpha", "config:magnify.value.lambda_c", "summary:uf1"]
    assert [point["offset"] for point in config["customGradient"]] == [0, 25, 50, 75, 100]


def test_depth_features_and_comparison_have_their_panels(sent: Any) -> None:
    panels = workspace_panels(sent)
    depth = [panel["config"] for panel in panels["Depth"]]
    assert depth[0]["xAxis"] == "config:model.value.depth"
    assert depth[0]["showAvgYAxisLine"] is True
    assert depth[2]["groupBy"] == "model.value.depth"
    assert [panel["config"]["groupBy"] for panel in panels["Features"]] == [
        "features.value.branch_a",
        "features.value.branch_b",
    ]
    kinds = [panel["viewType"] for panel in panels["Runs beside each other"]]
    assert {"Bar Chart", "Run Comparer", "Parallel Coordinates Plot", "Media Browser"} == set(kinds)


def test_no_panel_hides_another(sent: Any) -> None:
    for panels in workspace_panels(sent).values():
        places = [(panel["layout"]["x"], panel["layout"]["y"]) for panel in panels]
        assert len(set(places)) == len(places)


def test_report_has_the_same_panels(sent: Any) -> None:
    grids = [block for block in sent["report"]["spec"]["blocks"] if block["type"] == "panel-grid"]
    in_report = [[panel["config"] for panel in grid["metadata"]["panelBankSectionConfig"]["panels"]] for grid in grids]
    assert in_report == [[panel["config"] for panel in panels] for panels in workspace_panels(sent).values()]
    assert sent["report"]["project"] == {"name": "faces", "entityName": "lab"}


def test_panels_show_what_a_run_logs(sent: Any) -> None:
    from mer.tracking.wandb_content import run_summary

    logged = {*run_summary(fake_metrics(fake_predictions())), "epoch", "curves/train_loss/mean"}
    logged |= {"figures/confusion", "figures/curves"}
    named: set[str] = set()
    for panel in (panel for panels in workspace_panels(sent).values() for panel in panels):
        config = panel["config"]
        named |= {*config.get("metrics", ()), *config.get("mediaKeys", ())}
        axes = [config.get(name) for name in ("xAxis", "yAxis", "zAxis")]
        axes += [column["accessor"] for column in config.get("columns", ())]
        named |= {axis.removeprefix("summary:") for axis in axes if axis and not axis.startswith("config:")}
    assert {"uf1", "uar", "accuracy"} <= named <= logged


def test_nobody_logged_in_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE")
    result = run_mer(capsys, "dashboard", "faces")
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "wandb login" in result.err


def test_saved_addresses_are_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from mer.tracking import dashboard

    class Saved:
        def __init__(self, url: str) -> None:
            self.url = url

    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setattr(dashboard.ws.Workspace, "save", lambda self: Saved(f"w/{self.entity}/{self.project}"))
    monkeypatch.setattr(dashboard.wr.Report, "save", lambda self: Saved(f"r/{self.entity}/{self.project}"))
    result = run_mer(capsys, "dashboard", "faces", "--entity", "lab")
    assert (result.code, result.out.split()) == (0, ["w/lab/faces", "r/lab/faces"])


def test_server_that_refuses_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from mer.tracking import dashboard

    def refuse(self: object) -> None:
        raise RuntimeError("permission\ndenied")

    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setattr(dashboard.ws.Workspace, "save", refuse)
    result = run_mer(capsys, "dashboard", "faces", "--entity", "lab")
    assert result.code == 2
    assert "permission denied" in result.err
    assert result.err.count("\n") == 1


def test_missing_package_names_its_extra(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("wandb_workspaces")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)
    monkeypatch.delitem(sys.modules, "mer.tracking.dashboard", raising=False)
    monkeypatch.delattr("mer.tracking.dashboard", raising=False)
    result = run_mer(capsys, "dashboard", "faces", "--dry-run")
    assert result.code == 2
    assert "mer[dashboard]" in result.err
