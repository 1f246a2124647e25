"""Training-time augmentation of a flow field: moved, turned, zoomed, stretched, with a part wiped out."""

import math
from dataclasses import fields, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError, require_number
from mer.features.augment import FlipBlur
from mer.flow import FlowMaps

_CHANGED = frozenset({"flow", "strain", "apex"})


class FieldAugment(nn.Module):
    """Changes each clip of a batch as another face, photographed a little otherwise, would: field and vectors together.

    Each clip draws its own values: a flip and a blur as :class:`~mer.features.FlipBlur` has them, a shift, an angle and
    a zoom (:func:`warp_maps`), factors of u and v, and a square that is wiped out. m, eps and what else is derived
    later follow by themselves. Values are drawn on the CPU, so that one seed means the same changes on every device.

    Args:
        flip: probability of a horizontal flip, in [0, 1].
        blur: probability of a 5x5 blur, in [0, 1].
        shift: largest shift along each axis, as a part of the side, in [0, 0.5].
        rotate_deg: largest turn either way, in [0, 180].
        zoom: the field is enlarged by up to 1 + zoom or shrunk by as much, log-uniform, in [0, 1].
        stretch: u and v are multiplied each by its own factor between 1 / (1 + stretch) and 1 + stretch, log-uniform,
            in [0, 4]: for flow images, which lost the proportion of the two.
        cutout: side of the square that is set to 0, as a part of the field's, in [0, 1]; its centre is anywhere.
    """

    def __init__(
        self,
        flip: float = 0.5,
        blur: float = 0.0,
        shift: float = 0.0,
        rotate_deg: float = 0.0,
        zoom: float = 0.0,
        stretch: float = 0.0,
        cutout: float = 0.0,
    ) -> None:
        super().__init__()
        self.flip_blur = FlipBlur(flip, blur)
        self.shift = require_number("augment.shift", shift, 0, 0.5)
        self.rotate_deg = require_number("augment.rotate_deg", rotate_deg, 0, 180)
        self.zoom = require_number("augment.zoom", zoom, 0, 1)
        self.stretch = require_number("augment.stretch", stretch, 0, 4)
        self.cutout = require_number("augment.cutout", cutout, 0, 1)

    def forward(self, maps: FlowMaps, generator: torch.Generator | None = None) -> FlowMaps:
        """Maps of ``B`` clips -> the same, each clip changed in its own way.

        Args:
            maps: of the clips: flow, strain and apex frame.
            generator: CPU generator of the draws; default: torch's own.

        Raises:
            MerError: the maps hold more than these, which would stay where it was.
        """
        _require_changeable(maps)
        n_clips = len(maps)
        maps = self.flip_blur(maps, generator)
        if self.shift or self.rotate_deg or self.zoom:
            shift = self.shift * _signed(n_clips, 2, generator)
            angle = math.radians(self.rotate_deg) * _signed(n_clips, 1, generator)[:, 0]
            factor = _factors(n_clips, 1, self.zoom, generator)[:, 0]
            maps = warp_maps(maps, shift, angle, factor)
        if self.stretch:
            factors = _factors(n_clips, 2, self.stretch, generator).to(maps.flow)
            maps = replace(maps, flow=maps.flow * factors[..., None, None])
        if self.cutout:
            maps = wipe_out(maps, torch.rand(n_clips, 2, generator=generator), self.cutout)
        return maps


def warp_maps(
    maps: FlowMaps, shift: Float[Tensor, "batch 2"], angle: Float[Tensor, " batch"], zoom: Float[Tensor, " batch"]
) -> FlowMaps:
    """Move, turn and enlarge the clips' maps: what was at p is at ``z R p + t``, and a vector w there is ``z R w``.

    p is counted from the centre. Strain has no direction and no unit: its values stay. What comes in over the border
    stands still (0); of the apex frame, the border goes on.

    Args:
        maps: of ``B`` clips.
        shift: t (x, y), as a part of the side.
        angle: of R, radians, from x (right) towards y (down).
        zoom: z.
    """
    cosine, sine = angle.cos(), angle.sin()
    turn = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)
    # Where a place gets its value from; grids count from -1 to 1, so a side is 2.
    back = turn.mT / zoom[:, None, None]
    theta = torch.cat([back, -back @ (2 * shift)[..., None]], dim=-1).to(maps.flow)
    grid = F.affine_grid(theta, [len(maps), 1, *maps.flow.shape[-2:]], align_corners=False)
    vectors = (turn * zoom[:, None, None]).to(maps.flow)
    flow = torch.einsum("bij,bjhw->bihw", vectors, _sampled(maps.flow, grid, "zeros"))
    strain = None if maps.strain is None else _sampled(maps.strain, grid, "zeros")
    apex = None if maps.apex is None else _sampled(maps.apex, grid, "border")
    return replace(maps, flow=flow, strain=strain, apex=apex)


def wipe_out(maps: FlowMaps, centre: Float[Tensor, "batch 2"], side: float) -> FlowMaps:
    """Set a square of each clip's maps to 0.

    Args:
        maps: of ``B`` clips.
        centre: (x, y) as a part of the width and height, in [0, 1].
        side: of the square, as a part of theirs.
    """
    height, width = maps.flow.shape[-2:]
    columns, rows = ((torch.arange(size) + 0.5) / size for size in (width, height))
    in_columns = (columns - centre[:, :1]).abs() <= side / 2
    in_rows = (rows - centre[:, 1:]).abs() <= side / 2
    kept = ~(in_rows[:, None, :, None] & in_columns[:, None, None, :]).to(maps.flow.device)
    return maps.map(lambda tensor: tensor * kept)


def _sampled(maps: Tensor, grid: Tensor, padding: str) -> Tensor:
    return F.grid_sample(maps, grid.to(maps.dtype), padding_mode=padding, align_corners=False)


def _signed(n_clips: int, values: int, generator: torch.Generator | None) -> Tensor:
    """Uniform in [-1, 1), ``(n_clips, values)``."""
    return 2 * torch.rand(n_clips, values, generator=generator) - 1


def _factors(n_clips: int, values: int, most: float, generator: torch.Generator | None) -> Tensor:
    """Log-uniform between 1 / (1 + most) and 1 + most, ``(n_clips, values)``."""
    return (math.log1p(most) * _signed(n_clips, values, generator)).exp()


def _require_changeable(maps: FlowMaps) -> None:
    for field in fields(maps):
        if field.name not in _CHANGED and getattr(maps, field.name) is not None:
            raise MerError("maps of flow, strain and apex frame to shift and turn", f"maps with {field.name}",
                           "choose augment=flip_blur")  # fmt: skip
