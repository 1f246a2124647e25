"""FlowNetC's correlation layer in torch: matrix products row by row, on any device."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

MAX_DISPLACEMENT = 20  # cells of the maps, along x and y
STEP = 2
_SHIFTS = 2 * MAX_DISPLACEMENT // STEP + 1  # along each axis


def correlate(
    first: Float[Tensor, "batch channel height width"], second: Float[Tensor, "batch channel height width"]
) -> Float[Tensor, "batch 441 height width"]:
    """Mean product over the channels of each cell of ``first`` with the cells of ``second`` around it.

    ``out[(dy / 2 + 10) * 21 + dx / 2 + 10, y, x] = mean_c(first[c, y, x] * second[c, y + dy, x + dx])`` for dx and dy
    in -20, -18 ... 20 cells; ``second`` is 0 outside its borders.

    A shift is an even number of cells, so cells of even and of odd x never meet. For one dy, each row of ``first`` is
    multiplied with one row of ``second``, both split into even and odd cells, and the products of cells that lie
    within reach are picked. No more than a row of products is held for each row of the maps.

    Source: Dosovitskiy et al., ICCV 2015, doi 10.1109/ICCV.2015.316, section 3, with FlowNet 2.0's settings.
    """
    height, width = first.shape[-2:]
    odd = width % STEP
    reach = MAX_DISPLACEMENT
    one = _rows(F.pad(first, (0, odd)))
    two = _rows(F.pad(second, (reach, reach + odd, reach, reach))).transpose(-1, -2)
    cells = one.shape[-2]
    picked = torch.arange(cells, device=first.device)[:, None] + torch.arange(_SHIFTS, device=first.device)
    picked = picked.expand(*one.shape[:-2], cells, _SHIFTS)
    shifted = [(one @ two[down : down + height]).gather(-1, picked) for down in range(0, 2 * reach + 1, STEP)]
    # (dy, y, batch, parity, cell, dx) -> (batch, dy, dx, y, cell, parity)
    maps = torch.stack(shifted).permute(2, 0, 5, 1, 4, 3).reshape(len(first), _SHIFTS**2, height, width + odd)
    return maps[..., :width] / first.shape[1]


def _rows(maps: Tensor) -> Tensor:
    """``(B, C, H, W)`` -> ``(H, B, 2, W / 2, C)``, the even and the odd cells of each row."""
    batch, channels, height, width = maps.shape
    return maps.reshape(batch, channels, height, width // STEP, STEP).permute(2, 0, 4, 3, 1).contiguous()
