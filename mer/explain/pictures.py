"""Figures: Grad-CAM over clips as in the paper's Fig. 7, and attention by depth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from torch import Tensor

from mer.align.landmarks import Points
from mer.errors import MerError
from mer.files import atomic_file
from mer.flow.maps import resize_flow
from mer.report.flow_pictures import flow_colours

Picture = NDArray[np.float32]
_HEAT = "inferno"
_MOST_OPAQUE = 0.75  # so that the face stays visible below the strongest activation
_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601 luma
# Runs of the 68 landmarks that make a line drawing; True where the line closes.
_OUTLINE = (
    *((range(17), False), (range(17, 22), False), (range(22, 27), False), (range(27, 31), False)),
    *((range(31, 36), False), (range(36, 42), True), (range(42, 48), True), (range(48, 60), True)),
)


@dataclass(frozen=True)
class ExplainedClip:
    """What one row of the figure shows.

    Attributes:
        title: written beside the row.
        picture: RGB of the crop, ``(S, S, 3)``: the onset face, or the flow's colours.
        maps: heading -> map in [0, 1] drawn on the crop, ``(S, S)``; the fused one first.
        regions: polygons ``(K, 2)`` (x, y) px of the expected action units.
        landmarks_px: ``(68, 2)``, drawn as lines where the face itself is not shown; None where there are none.
    """

    title: str
    picture: Picture
    maps: Mapping[str, Picture]
    regions: Sequence[NDArray[np.float32]]
    landmarks_px: Points | None = None


def flow_picture(flow_px: Float[Tensor, "2 height width"], size_px: int) -> Float[Tensor, "3 size size"]:
    """The colours of a clip's flow drawn on its crop; those of the 98th percentile of its length are full."""
    return flow_colours(resize_flow(flow_px[None].float().cpu(), size_px))[0][0]


def plot_grad_cam(rows: Sequence[ExplainedClip], heading: str, folder: Path) -> list[Path]:
    """Write ``gradcam.png`` and ``gradcam.pdf``: a row a clip and class; picture, fused map, then each branch's.

    Args:
        rows: all with maps of the same headings.
        heading: of the first column.
        folder: where to.

    Raises:
        MerError: no row.
    """
    if not rows:
        raise MerError("a clip to draw", "none", "name clips=[dataset/subject/clip] of the run")
    names = list(rows[0].maps)
    figure = Figure(figsize=(1.9 * (len(names) + 1) + 1.1, 1.9 * len(rows) + 0.9), layout="constrained")
    panels = figure.subplots(len(rows), len(names) + 1, squeeze=False)
    for axes, row in zip(panels, rows, strict=True):
        axes[0].imshow(row.picture)
        axes[0].set_ylabel(row.title, fontsize="small")
        for panel, heat in zip(axes[1:], row.maps.values(), strict=True):
            image = _show_heat(panel, row.picture, heat)
        for panel in axes:
            _show_outlines(panel, row)
    for panel, name in zip(panels[0], [heading, *names], strict=True):
        panel.set_title(name, fontsize="small")
    figure.colorbar(image, ax=panels, label="activation, share of the largest", shrink=min(1, 3 / len(rows)))
    return _save(figure, folder / "gradcam")


def plot_attention(
    maps: Mapping[str, Sequence[Picture]], titles: Sequence[str], pictures: Sequence[Picture], folder: Path
) -> list[Path]:
    """Write ``attention.png`` and ``attention.pdf``: for each clip a strip a branch, from the first block to the last.

    Args:
        maps: branch -> for each block the maps ``(N, h, w)`` of N clips; all are drawn on one scale.
        titles: of the N clips.
        pictures: of the N clips, ``(S, S, 3)``.
        folder: where to.
    """
    depth = max(map(len, maps.values()))
    low = min(float(one.min()) for blocks in maps.values() for one in blocks)
    high = max(float(one.max()) for blocks in maps.values() for one in blocks)
    rows = [(clip, branch) for clip in range(len(titles)) for branch in maps]
    figure = Figure(figsize=(1.1 * (depth + 1) + 1.4, 1.2 * len(rows) + 0.9), layout="constrained")
    panels = figure.subplots(len(rows), depth + 1, squeeze=False)
    for axes, (clip, branch) in zip(panels, rows, strict=True):
        axes[0].imshow(pictures[clip])
        axes[0].set_ylabel(f"{titles[clip]}\nbranch {branch}", fontsize="x-small")
        for panel, block in zip(axes[1:], maps[branch], strict=False):
            image = panel.imshow(block[clip], cmap=_HEAT, vmin=low, vmax=high)
        for panel in axes:
            panel.set(xticks=[], yticks=[])
    for number, panel in enumerate(panels[0][1:], start=1):
        panel.set_title(f"block {number}", fontsize="small")
    figure.colorbar(image, ax=panels, label="spatial attention M", shrink=min(1, 3 / len(rows)))
    return _save(figure, folder / "attention")


def _show_heat(axes: Axes, picture: Picture, heat: Picture) -> AxesImage:
    """The map over the picture in grey, the more opaque the stronger it is."""
    axes.imshow(picture @ np.array(_GREY, np.float32), cmap="gray", vmin=0, vmax=1)
    return axes.imshow(heat, cmap=_HEAT, vmin=0, vmax=1, alpha=_MOST_OPAQUE * np.clip(heat, 0, 1) ** 0.5)


def _show_outlines(axes: Axes, row: ExplainedClip) -> None:
    if row.landmarks_px is not None:
        for points, is_closed in _OUTLINE:
            line = row.landmarks_px[[*points, *([points[0]] if is_closed else [])]]
            axes.plot(*line.T, color="0.35", linewidth=0.7)
    for corners in row.regions:
        for colour, width, style in (("black", 1.8, "-"), ("cyan", 0.9, "--")):  # seen on dark and on light
            axes.plot(*np.vstack([corners, corners[:1]]).T, color=colour, linewidth=width, linestyle=style)
    side = row.picture.shape[0]
    axes.set(xticks=[], yticks=[], xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5))


def _save(figure: Figure, stem: Path) -> list[Path]:
    paths = [stem.with_suffix(f".{kind}") for kind in ("png", "pdf")]
    for path in paths:
        with atomic_file(path) as temporary:
            metadata = {"CreationDate": None} if path.suffix == ".pdf" else None  # equal maps, equal file
            figure.savefig(temporary, dpi=150, format=path.suffix[1:], metadata=metadata)
    return paths
