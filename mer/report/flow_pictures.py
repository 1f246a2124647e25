"""Pictures of flow: samples of each class as colours, and arrows over faces."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from torch import Tensor

from mer.errors import MerError
from mer.flow.colour import colour_wheel, flow_to_rgb
from mer.flow.maps import resize_flow
from mer.report.figure_files import WIDTH_IN, plain_text, write_figure

_GAP = 0.04  # white between two pictures, in shares of their side
_ARROWS = 20  # along a face's side
_LONG_ARROW = 2.0  # length, in distances between two arrows, of that at the percentile
_SHORTEST_ARROW = 0.05  # in lengths of that; below, nothing is drawn
_PERCENTILE = 0.98  # of a picture's motion, for which colours and arrows are made
_WHEEL_PX = 101
_FACES_IN_A_ROW = 3


def sample_rows(labels: Sequence[str], classes: Sequence[str], clips: int) -> list[list[int]]:
    """Up to ``clips`` row numbers of each class, spread evenly over the order of ``labels`` and so over subjects."""
    numbers = [[row for row, label in enumerate(labels) if label == name] for name in classes]
    places = [np.linspace(0, len(rows) - 1, min(clips, len(rows))).round().astype(int) for rows in numbers]
    return [[rows[place] for place in chosen] for rows, chosen in zip(numbers, places, strict=True)]


def plot_flow_samples(
    flow_px: Float[Tensor, "clips 2 height width"],
    labels: Sequence[str],
    classes: Sequence[str],
    path: Path,
    clips: int = 5,
) -> None:
    """Write PNG and SVG with a row a class: its mean flow, then some of its clips, and the colour wheel as legend.

    Each picture has a scale of its own, the 98th percentile of its motion, which is written on it: a flat background
    makes some methods invent a motion far above the face's. What moves more is darker.

    Args:
        flow_px: ``(N, 2, H, W)``.
        labels: class of each of the N clips.
        classes: the rows; one without clips stays white.
        path: of the PNG; the SVG lies beside it.
        clips: pictures of single clips a class.
    """
    chosen = sample_rows(labels, classes, clips)
    pictures = [_pictures(flow_px, labels, name, rows) for name, rows in zip(classes, chosen, strict=True)]
    cell = WIDTH_IN / (clips + 3)
    figure = Figure(figsize=(WIDTH_IN, cell * len(classes) + 0.8), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[clips + 1, 1])
    _show_mosaic(left, pictures, clips + 1)
    left.set_yticks([row + 0.5 for row in range(len(classes))], [plain_text(name) for name in classes])
    left.set_xlabel("number: motion that has the full colour; what moves more is darker", fontsize="small")
    left.set_xticks([column + 0.5 for column in range(clips + 1)], ["mean", *("clip",) * clips])
    right.imshow(colour_wheel(_WHEEL_PX).permute(1, 2, 0).numpy())
    right.set_title("motion towards", fontsize="small")
    right.axis("off")
    write_figure(figure, path)


def flow_colours(
    flow_px: Float[Tensor, "clips 2 height width"],
) -> tuple[Float[Tensor, "clips 3 height width"], Float[Tensor, " clips"]]:
    """RGB in [0, 1] of each flow, and the motion in px that has the full colour: its 98th percentile."""
    reach = _reach(torch.linalg.vector_norm(flow_px, dim=1).flatten(1))
    return flow_to_rgb(flow_px / reach[:, None, None, None], largest_px=1), reach


def plot_flow_on_faces(
    faces: Float[Tensor, "clips 3 side side"],
    flow_px: Float[Tensor, "clips 2 height width"],
    titles: Sequence[str],
    path: Path,
) -> None:
    """Write PNG and SVG of each clip's onset face with its flow as arrows, enlarged as the title says.

    Args:
        faces: RGB in [0, 1], ``(N, 3, S, S)``.
        flow_px: ``(N, 2, H, W)`` in px of its own grid.
        titles: N of them.
        path: of the PNG; the SVG lies beside it.

    Raises:
        MerError: not as many faces as flows and titles.
    """
    if not len(faces) == len(flow_px) == len(titles):
        got = f"{len(faces)} faces, {len(flow_px)} flows, {len(titles)} titles"
        raise MerError("a face and a title for each flow", got, "give as many of each")
    columns = min(len(faces), _FACES_IN_A_ROW)
    lines = -(-len(faces) // columns)
    side = WIDTH_IN / columns
    figure = Figure(figsize=(WIDTH_IN, (side + 0.3) * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for one in axes[len(faces) :]:
        one.set_visible(False)
    for one, face, flow, title in zip(axes, faces, flow_px, titles, strict=False):
        _quiver(one, face, flow, title)
    write_figure(figure, path)


def arrow_grid(flow_px: Float[Tensor, "2 side side"]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions ``(A, 2)`` and vectors ``(A, 2)`` of arrows, x and y, in px: the mean flow of each cell of a grid."""
    side = flow_px.shape[-1]
    cells = min(_ARROWS, side)
    vectors = torch.nn.functional.adaptive_avg_pool2d(flow_px[None].double(), cells)[0].flatten(1).T.numpy()
    centres = (np.arange(cells) + 0.5) * side / cells - 0.5
    y, x = np.meshgrid(centres, centres, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1), vectors


def _quiver(axes: Axes, face: Tensor, flow: Tensor, title: str) -> None:
    side = face.shape[-1]
    positions, vectors = arrow_grid(resize_flow(flow[None], side)[0])
    lengths = torch.from_numpy(np.linalg.norm(vectors, axis=1))
    reach = float(_reach(lengths[None]))
    drawn = (lengths > _SHORTEST_ARROW * reach).numpy()
    positions, vectors = positions[drawn], vectors[drawn]
    enlarged = _LONG_ARROW * side / min(_ARROWS, side) / reach
    axes.imshow(face.clamp(0, 1).permute(1, 2, 0).numpy())
    axes.quiver(*positions.T, *vectors.T, angles="xy", scale_units="xy", scale=1 / enlarged, color="lime", width=0.004)
    axes.set_title(f"{plain_text(title)}, x{enlarged:.2g}", fontsize="small")
    axes.axis("off")


def _pictures(flow: Tensor, labels: Sequence[str], name: str, rows: list[int]) -> list[tuple[Tensor, str]]:
    """RGB, and the motion that has the full colour, of the class's mean flow, then of the clips of ``rows``."""
    if not rows:
        return []
    mean = flow[[label == name for label in labels]].mean(dim=0)
    colours, reach = flow_colours(torch.stack([mean, *flow[rows]]).float())
    return [(picture, f"{length:.2g}") for picture, length in zip(colours, reach.tolist(), strict=True)]


def _reach(lengths: Float[Tensor, "pictures places"]) -> Float[Tensor, " pictures"]:
    """The percentile of each picture; its largest where less than that part of it moves; 1 where nothing moves."""
    reach, largest = torch.quantile(lengths, _PERCENTILE, dim=1), lengths.amax(dim=1)
    reach = torch.where(reach > 0, reach, largest)
    return torch.where(reach > 0, reach, 1)


def _show_mosaic(axes: Axes, pictures: Sequence[Sequence[tuple[Tensor, str]]], columns: int) -> None:
    """Pictures in unit squares, the first row on top."""
    for row, line in enumerate(pictures):
        for column, (colours, text) in enumerate(line):
            box = (column + _GAP, column + 1 - _GAP, row + 1 - _GAP, row + _GAP)
            axes.imshow(colours.permute(1, 2, 0).numpy(), extent=box)
            number = axes.text(column + 0.5, row + 1 - 2 * _GAP, text, ha="center", va="bottom", fontsize="small")
            number.set_path_effects([withStroke(linewidth=2, foreground="white")])
    axes.set(xlim=(0, columns), ylim=(len(pictures), 0), aspect="equal")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
