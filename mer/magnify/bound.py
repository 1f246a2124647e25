"""How far a clip's motion goes beyond what linear magnification can show: the bound of eq. 5."""

from collections.abc import Iterable, Sequence
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from mer.magnify.pyramid import laplacian_pyramid

_LUMA = (0.299, 0.587, 0.114)
# A matched pair: Farid and Simoncelli, IEEE TIP 13(4), 2004, doi 10.1109/TIP.2004.823819, table 2, 5 taps.
_SMOOTH = (0.037659, 0.249153, 0.426375, 0.249153, 0.037659)
_SLOPE = (-0.109604, -0.276691, 0.0, 0.276691, 0.109604)
_WINDOW = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_NOISE = 255**-2  # squared slope, one grey level a px: where there is less, a band says nothing about motion


def share_beyond_bound(
    frames: Tensor, bands: Tensor, gains: Sequence[float], wavelengths_px: Sequence[float]
) -> Tensor:
    """Part of the motion that is added at places where ``(1 + alpha) delta < lambda / 8`` (eq. 5) does not hold.

    On each pyramid level of luma, of gain alpha_l and wavelength lambda_l, delta_l is the length of the displacement
    that explains the band by the level's slopes, ``band_l = -slope_l . d``, least squares in a window (Lucas and
    Kanade, 1981). The share is that of the added energy ``(alpha_l band_l)^2``, over the area of all levels, where
    ``(1 + alpha_l) delta_l >= lambda_l / 8``.

    Args:
        frames: ``(B, 3, H, W)`` RGB in [0, 1].
        bands: ``(B, 3, H, W)``, theirs.
        gains: alpha_l of each level, finest first.
        wavelengths_px: lambda_l of each level, px of the frame.

    Returns:
        ``(B,)`` in [0, 1]; 0 for a frame without motion.

    Source: Wu et al., ACM TOG 31(4), 2012, doi 10.1145/2185520.2185561, eq. 14; paper section 2.1, eq. 5.
    """
    added = frames.new_zeros(len(frames))
    beyond = frames.new_zeros(len(frames))
    pyramids = zip(laplacian_pyramid(_luma(frames)), laplacian_pyramid(_luma(bands)), strict=True)
    for level, (texture, band) in enumerate(pyramids):
        if gains[level] <= 0:
            continue
        energy = 4**level * (gains[level] * band).square()
        delta_px = 2**level * displacement(texture, band)
        exceeds = (1 + gains[level]) * delta_px >= wavelengths_px[level] / 8
        added += energy.sum((1, 2, 3))
        beyond += (energy * exceeds).sum((1, 2, 3))
    return torch.where(added > 0, beyond / added.clamp_min(torch.finfo(added.dtype).tiny), 0)


def displacement(texture: Tensor, band: Tensor) -> Tensor:
    """Length in px of the displacement that ``band`` makes of ``texture``, both ``(B, 1, H, W)``; least squares."""
    across, down = _filter(texture, _SLOPE, _SMOOTH), _filter(texture, _SMOOTH, _SLOPE)
    # The band smoothed as the slopes are, lest their smoothing be taken for a larger motion.
    change = _filter(band, _SMOOTH, _SMOOTH)
    products = torch.cat([across**2, down**2, across * down, across * change, down * change], dim=1)
    xx, yy, xy, xt, yt = _filter(products, _WINDOW, _WINDOW).unsqueeze(2).unbind(1)
    xx, yy = xx + _NOISE, yy + _NOISE
    determinant = xx * yy - xy**2
    length: Tensor = torch.hypot(yy * xt - xy * yt, xx * yt - xy * xt) / determinant
    return length


def _luma(images: Tensor) -> Tensor:
    return torch.einsum("c,bchw->bhw", images.new_tensor(_LUMA), images)[:, None]


def _filter(images: Tensor, across: Sequence[float], down: Sequence[float]) -> Tensor:
    # Sums of shifted copies, as in pyramid.py: grouped convolutions are slow on a CPU.
    padded = F.pad(images, (2, 2, 2, 2), mode="replicate")
    rows = _sum(weight * padded[..., at : at + images.shape[-2], :] for at, weight in enumerate(down) if weight)
    return _sum(weight * rows[..., at : at + images.shape[-1]] for at, weight in enumerate(across) if weight)


def _sum(images: Iterable[Tensor]) -> Tensor:
    return reduce(torch.add, images)
