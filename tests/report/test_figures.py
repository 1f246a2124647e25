"""Figures show the data's numbers, are readable in print, and are PNG and SVG."""

from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from mer.comparison import group_seeds
from mer.report.curves import draw_curves, pool_curves
from mer.report.figure_files import BLUE, GREEN, SMALLEST_PT, VERMILION, WIDTH_IN, contrast, ink_on, write_figure
from mer.report.figures import draw_confusion, plot_confusion, row_shares
from mer.report.sweep_figures import draw_sweep
from mer.runs import Run
from tests.fakes.runs import fake_metrics, fake_predictions

CONFUSION = np.array([[6, 3, 1], [0, 0, 0], [1, 0, 4]])


def sweep(*settings: dict[str, object]) -> Figure:
    """The figure of single runs with these settings."""
    runs = [Run(Path(str(n)), one, fake_metrics(fake_predictions(seed=n))) for n, one in enumerate(settings)]
    return draw_sweep(group_seeds(runs))[0]


def figures() -> dict[str, Figure]:
    fold = pd.DataFrame({"epoch": [0, 1], "step": [9, 19], "train_loss": [2.0, 1.0], "train_accuracy": [0.5, 0.75]})
    return {
        "confusion": draw_confusion(CONFUSION, ["negative", "positive", "surprise"], "x"),
        "confusion of 12": draw_confusion(np.eye(12, dtype=int), ["class"] * 12, "x"),
        "curves": draw_curves(pool_curves([fold, fold / 2]), "x"),
        "curve": sweep(*({"depth": depth} for depth in (1, 2, 4))),
        "heat map": sweep(*({"alpha": a, "lambda": b} for a in (1, 2) for b in (8, 16, 32))),
        "wide heat map": sweep(*({"alpha": a, "lambda": b} for a in (1, 2) for b in range(8))),
        "bars": sweep(*({"features": {"branch_a": name, "branch_b": "uveps"}} for name in ("uv", "uvm", "uveps"))),
    }


def test_letters_are_large_enough_on_a_printed_page() -> None:
    for name, figure in figures().items():
        assert figure.get_figwidth() <= WIDTH_IN, name
        sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text().strip()]
        assert len(sizes) > 3, name
        assert min(sizes) >= SMALLEST_PT, name


def test_confusion_shows_each_share_and_count_in_its_place() -> None:
    axes = draw_confusion(CONFUSION, ["a", "b", "c"], "x").axes[0]
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    for row in range(3):
        for column in range(3):
            expected = (
                "-" if row == 1 else f"{CONFUSION[row, column] / CONFUSION[row].sum():.2f}\n({CONFUSION[row, column]})"
            )
            assert texts[(column, row)] == expected
    shown = axes.images[0].get_array()
    np.testing.assert_allclose(np.ma.filled(shown, np.nan), row_shares(CONFUSION))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("prediction", "target")


def test_numbers_are_readable_on_every_colour_of_the_map() -> None:
    grounds = [mpl.colormaps["cividis"](share) for share in np.linspace(0, 1, 101)]
    assert min(contrast(ground, ink_on(ground)) for ground in grounds) >= 4.5
    assert (ink_on("white"), ink_on("#00224e")) == ("black", "white")
    assert contrast("black", "white") == pytest.approx(21)


def test_scores_differ_in_grey_print_and_by_marker_and_hatch() -> None:
    drawn = figures()
    curve, bars = drawn["curve"].axes[0], drawn["bars"].axes[0]
    assert len({container[0].get_marker() for container in curve.containers}) == 3
    patches = [container.patches[0] for container in bars.containers if hasattr(container, "patches")]
    assert len({patch.get_hatch() for patch in patches}) == 3
    assert {mpl.colors.to_hex(patch.get_facecolor()).upper() for patch in patches} == {BLUE, VERMILION, GREEN}


def test_bars_are_as_long_as_the_scores_and_begin_at_zero() -> None:
    runs = [Run(Path(str(n)), {"flow": n * "x"}, fake_metrics(fake_predictions(seed=n))) for n in range(3)]
    axes = draw_sweep(group_seeds(runs))[0].axes[0]
    bars = {bar.get_label(): bar for bar in axes.containers if hasattr(bar, "patches")}
    for label, name in (("accuracy", "accuracy"), ("UF1", "uf1"), ("UAR", "uar")):
        assert [patch.get_width() for patch in bars[label]] == [run.metrics[name] for run in runs]
    assert axes.get_xlim() == (0, 1)


def test_lists_are_written_without_quotes() -> None:
    axes = sweep(*({"features": {"branch_a": name}} for name in (["u", "v"], ["u", "v", "m"]))).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["branch_a=u,v", "branch_a=u,v,m"]


def test_curve_is_the_mean_in_a_band_of_all_folds() -> None:
    folds = [pd.DataFrame({"epoch": [0, 1], "train_loss": values}) for values in ([4.0, 1.0], [2.0, 3.0], [0.0, 5.0])]
    axes = draw_curves(pool_curves(folds), "x").axes[0]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[0, 2], [1, 3]])
    corners = axes.collections[0].get_paths()[0].vertices
    assert {tuple(corner) for corner in corners} >= {(0, 0), (0, 4), (1, 1), (1, 5)}


def test_dollar_signs_are_no_formulas(tmp_path: Path) -> None:
    plot_confusion(np.eye(2, dtype=int), [r"$\broken$", "a$b"], r"$\frac$", tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert ET.parse(tmp_path / "confusion.svg").getroot().tag.endswith("svg")


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_figure(draw_confusion(CONFUSION, ["a", "b", "c"], "x"), tmp_path / name / "x.png")
    for kind in ("png", "svg"):
        assert (tmp_path / "one" / f"x.{kind}").read_bytes() == (tmp_path / "two" / f"x.{kind}").read_bytes()
