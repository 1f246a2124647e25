"""What a network tells of its last maps, so that class activation maps can be made of it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import nn

_SPATIAL = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)


class CellGrid(NamedTuple):
    """Where the cells of a map are centred on the network's input.

    Attributes:
        step_px: from a cell's centre to the next one's.
        first_px: centre of cell 0; that of pixel 0 is 0.
    """

    step_px: float
    first_px: float


class CamLayers(NamedTuple):
    """The modules that see a network's last maps, which still have a place on the face.

    Attributes:
        branches: by name, the module whose output is the branch's last maps ``(B, C, h, w)``.
        grid: where the cells of these maps lie.
        fused: the module whose input is the fused maps; None where the branches' maps stand side by side.
        head_tells_places: the layers behind weigh each cell by itself; False where they see the cells' mean alone.
    """

    branches: Mapping[str, nn.Module]
    grid: CellGrid
    fused: nn.Module | None = None
    head_tells_places: bool = True


def cell_grid(layers: Iterable[nn.Module]) -> CellGrid:
    """Grid after convolutions, poolings and zero paddings one behind the other; others leave a cell in its place.

    Padding by less or more than half a kernel moves the cells, so that stretching a map over its input, as is usual,
    draws it beside its place: by 7.5 px of 112 for ResNet-34's stages, which pad by half a kernel, and so centre cell
    i on px 16 i, not 16 i + 7.5.
    """
    step, first = 1.0, 0.0
    for layer in layers:
        if isinstance(layer, nn.ZeroPad2d):
            first -= layer.padding[0] * step
        if isinstance(layer, _SPATIAL):
            kernel, stride, padding = (_side(size) for size in (layer.kernel_size, layer.stride, layer.padding))
            first += ((kernel - 1) / 2 - padding) * step
            step *= stride
    return CellGrid(step, first)


def _side(size: int | str | tuple[int, ...]) -> int:
    return int(size[0] if isinstance(size, tuple) else size)
