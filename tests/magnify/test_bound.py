"""The bound of eq. 5 on waves that move by known displacements."""

import math

import pytest
import torch
from torch import Tensor

from mer.magnify import IIR, EulerianMagnifier
from mer.magnify.bound import displacement

DIFFERENCE = IIR(1.0, 1e-7)  # the band is what the frame changed since the first


def waves(shift_px: float, wavelength_px: float = 24.0, size: int = 128) -> Tensor:
    """``(1, 3, size, size)``: crossed waves moved to the right."""
    across = torch.arange(size, dtype=torch.float64) - shift_px
    down = torch.arange(size, dtype=torch.float64)
    wave = (2 * math.pi / wavelength_px * across).sin() + (2 * math.pi / wavelength_px * down[:, None]).cos()
    return (0.5 + 0.2 * wave).expand(1, 3, size, size)


@pytest.mark.parametrize("shift_px", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("wavelength_px", [12.0, 24.0])
def test_displacement_is_measured(shift_px: float, wavelength_px: float) -> None:
    still, moved = (waves(shift, wavelength_px)[:, :1] for shift in (0, shift_px))
    measured = displacement(still, moved - still)[..., 16:-16, 16:-16]
    assert measured.median().item() == pytest.approx(shift_px, rel=0.1)


def test_share_beyond_the_bound_grows_with_the_displacement() -> None:
    magnifier = EulerianMagnifier(10, 16, DIFFERENCE)
    still = waves(0)
    shares = [magnifier.beyond_bound(still, waves(shift) - still).item() for shift in (0.02, 0.05, 0.1, 0.2, 0.4, 1.0)]
    assert shares == sorted(shares)
    assert shares[0] < 0.05
    assert shares[-1] > 0.95


def test_share_is_told_a_clip() -> None:
    magnifier = EulerianMagnifier(10, 16, DIFFERENCE)
    still = waves(0)
    frames, bands = still.repeat(2, 1, 1, 1), torch.cat([waves(0.02) - still, waves(1.0) - still])
    alone = [magnifier.beyond_bound(still, band[None]).item() for band in bands]
    assert magnifier.beyond_bound(frames, bands).tolist() == pytest.approx(alone)


@pytest.mark.parametrize("alpha", [0.0, 20.0])
def test_nothing_is_beyond_the_bound_where_nothing_moves(alpha: float) -> None:
    assert EulerianMagnifier(alpha).beyond_bound(waves(0), torch.zeros_like(waves(0))).tolist() == [0.0]


@pytest.mark.parametrize("alpha", [2.0, 5.0, 10.0])
def test_a_wave_moves_one_and_alpha_times_as_far_well_inside_the_bound(alpha: float) -> None:
    # 32 px lie in levels that get all of alpha; an eighth of them is 4 px.
    shift_px = 1.0 / (1 + alpha)
    clip = torch.stack([waves(0, 32), waves(shift_px, 32)], dim=1)
    magnified = EulerianMagnifier(alpha, 6, DIFFERENCE)(clip)[0, 1, 1, :, 16:-16]
    carrier = torch.exp(-2j * math.pi / 32 * torch.arange(16, 112, dtype=torch.float64))
    phases = [torch.angle((row * carrier).sum()) for row in (clip[0, 0, 1, 64, 16:-16], magnified[64])]
    moved_px = (phases[0] - phases[1]).item() * 32 / (2 * math.pi)
    assert moved_px == pytest.approx((1 + alpha) * shift_px, rel=0.1)
