"""Pictures of what magnification does to a face."""

from collections.abc import Sequence
from pathlib import Path

from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from mer.errors import MerError
from mer.report.figure_files import WIDTH_IN, plain_text, write_figure

_COLUMNS = ("onset", "apex", "magnified apex", "apex - onset", "magnified - onset")
_DIFFERENCE = 0.15  # of the grey scale: what a difference has to be to have the full colour


def plot_magnification(
    onset: Float[Tensor, "clips 3 side side"],
    apex: Float[Tensor, "clips 3 side side"],
    magnified: Float[Tensor, "clips 3 side side"],
    titles: Sequence[str],
    path: Path,
) -> None:
    """Write PNG and SVG with a row a clip: onset, apex, magnified apex, and what either apex is brighter or darker by.

    Both differences are of the mean of R, G and B, on one scale, from blue (darker) to red (brighter).

    Args:
        onset: RGB in [0, 1].
        apex: alike.
        magnified: alike; values outside are cut off.
        titles: one a clip.
        path: of the PNG; the SVG lies beside it.

    Raises:
        MerError: not as many of each.
    """
    counts = {len(frames) for frames in (onset, apex, magnified, titles)}
    if len(counts) > 1:
        raise MerError("as many onsets, apexes, magnified apexes and titles", f"{sorted(counts)}", "give one of each")
    figure = Figure(figsize=(WIDTH_IN, (WIDTH_IN / len(_COLUMNS) + 0.1) * len(titles) + 0.5), layout="constrained")
    axes = figure.subplots(len(titles), len(_COLUMNS), squeeze=False)
    for row, frames in enumerate(zip(onset, apex, magnified, strict=True)):
        for one, frame in zip(axes[row], frames, strict=False):
            one.imshow(frame.clamp(0, 1).permute(1, 2, 0).numpy())
        for one, frame in zip(axes[row][3:], frames[1:], strict=True):
            difference = (frame.clamp(0, 1) - frames[0]).mean(0)
            one.imshow(difference.numpy(), cmap="RdBu_r", vmin=-_DIFFERENCE, vmax=_DIFFERENCE)
        axes[row][0].set_ylabel(plain_text(titles[row]))
    for one, name in zip(axes[0], _COLUMNS, strict=True):
        one.set_title(name, fontsize="small")
    for one in axes.flat:
        one.set(xticks=[], yticks=[])
    write_figure(figure, path)
