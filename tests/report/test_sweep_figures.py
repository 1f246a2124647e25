"""The figure that fits a sweep."""

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from mer.comparison import SeedGroup, group_seeds
from mer.errors import MerError
from mer.report.sweep_figures import draw_sweep, write_sweep_figures
from mer.runs import Run
from tests.fakes.runs import fake_metrics, fake_predictions


def groups_of(*settings: dict[str, object], seeds: int = 1) -> list[SeedGroup]:
    runs = [
        Run(Path(f"{n}-{seed}"), {"seed": seed} | one, fake_metrics(fake_predictions(seed=n + 10 * seed)))
        for n, one in enumerate(settings)
        for seed in range(seeds)
    ]
    return group_seeds(runs)


def test_one_swept_number_is_a_curve_with_intervals() -> None:
    groups = groups_of(*({"alpha": alpha} for alpha in (20, 5, 10)))
    figure, names = draw_sweep(groups)
    assert names == ["alpha"]
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["5", "10", "20"]
    assert axes.get_legend_handles_labels()[1] == ["accuracy", "UF1", "UAR"]
    line = axes.containers[1]
    assert line[0].get_ydata().tolist() == [groups[n].mean["uf1"] for n in (1, 2, 0)]
    low, high = groups[1].runs[0].metrics["intervals"]["uf1"]
    assert line[2][0].get_segments()[0][:, 1] == pytest.approx([low, high])
    assert len({container[0].get_marker() for container in axes.containers}) == 3


def test_wide_sweep_has_a_logarithmic_axis() -> None:
    figures = [
        draw_sweep(groups_of(*({"alpha": value} for value in values)))[0]
        for values in ((1, 2, 8), (1, 4, 16), (0, 4, 16))
    ]
    assert [figure.axes[0].get_xscale() for figure in figures] == ["linear", "log", "linear"]


def test_two_swept_settings_are_a_heat_map() -> None:
    pairs = [(5, 8), (20, 8), (5, 16)]
    groups = groups_of(*({"magnify": {"alpha": a, "lambda_c": b}} for a, b in pairs))
    figure, names = draw_sweep(groups)
    assert names == ["magnify.alpha", "magnify.lambda_c"]
    panel = figure.axes[1]
    assert (panel.get_title(), panel.get_xlabel()) == ("UF1", "magnify.lambda_c")
    shown = panel.images[0].get_array()
    expected = [[groups[0].mean["uf1"], groups[2].mean["uf1"]], [groups[1].mean["uf1"], np.nan]]
    assert np.allclose(np.ma.filled(shown, np.nan), expected, equal_nan=True)
    assert [text.get_text() for text in panel.texts][-1] == "-"


def test_other_sweeps_are_bars() -> None:
    figure, names = draw_sweep(groups_of({"flow": "dis"}, {"flow": "tvl1"}))
    assert names == ["runs"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["flow=dis", "flow=tvl1"]


def test_seeds_are_mean_and_sd() -> None:
    groups = groups_of({"depth": 1}, {"depth": 2}, seeds=3)
    figure, _ = draw_sweep(groups)
    assert figure.axes[0].get_title() == "mean and sd over 3 seeds"
    sd = groups[0].sd
    assert sd is not None
    low, high = figure.axes[0].containers[0][2][0].get_segments()[0][:, 1]
    assert high - low == pytest.approx(2 * sd["accuracy"])


def test_figures_are_png_and_svg_and_equal_for_equal_runs(tmp_path: Path) -> None:
    groups = groups_of({"a": 1, "b": 1}, {"a": 2, "b": 2})
    for name in ("one", "two"):
        paths = write_sweep_figures(groups, tmp_path / name)
    assert [path.name for path in paths] == ["a_by_b.png", "a_by_b.svg"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert ET.parse(paths[1]).getroot().tag.endswith("svg")
    assert (tmp_path / "one" / "a_by_b.svg").read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("groups", [[], groups_of({"depth": 1}), groups_of({"depth": 1}, seeds=2)])
def test_runs_that_do_not_differ_are_refused(groups: list[SeedGroup], tmp_path: Path) -> None:
    with pytest.raises(MerError, match="differ in a setting"):
        write_sweep_figures(groups, tmp_path)
