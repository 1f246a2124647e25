"""The steerable pyramid against its formula written out in loops, and on sinusoids and translations."""

import cmath
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mer.errors import MerError
from mer.magnify.steerable import SteerablePyramid

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")),
]
SIZES = [(8, 8), (9, 31), (33, 18), (57, 41), (64, 64)]


def images(height: int, width: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(height * 100 + width)
    return torch.rand(2, height, width, dtype=dtype, generator=generator)


def wave(side: int, cycles_y: int, cycles_x: int, moved: float = 0.0) -> Tensor:
    """A sinusoid of whole cycles in a square, its phase moved by a part of a cycle."""
    y, x = torch.meshgrid(*[torch.arange(side, dtype=torch.float64) / side] * 2, indexing="ij")
    return torch.cos(2 * math.pi * (cycles_y * y + cycles_x * x - moved))


def formula(fy: float, fx: float, level: int, k: int, orientations: int, bandwidth: float) -> float:
    """Gain of band (level, k) at a frequency in cycles per px, both edges of its radial window written out."""
    radius, angle = 2 * math.hypot(fy, fx), math.atan2(fy, fx)
    if radius == 0:
        return 0.0
    outer, inner = ((-shift * bandwidth - math.log2(radius)) / bandwidth for shift in (level - 1, level))
    low = math.sin(math.pi / 2 * min(max(outer, 0), 1))
    high = math.cos(math.pi / 2 * min(max(inner, 0), 1))
    facing = max(math.cos(angle - math.pi * k / orientations), 0.0)
    total = sum(math.cos(math.pi * j / orientations + 0.3) ** (2 * orientations - 2) for j in range(orientations))
    return low * high * facing ** (orientations - 1) / math.sqrt(total)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("orientations", "bandwidth"), [(2, 1.0), (4, 1.0), (8, 0.5), (3, 0.7), (5, 2.0)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_synthesis_gives_the_image_back(
    height: int, width: int, orientations: int, bandwidth: float, dtype: torch.dtype, tolerance: float, device: str
) -> None:
    image = images(height, width, dtype).to(device)
    pyramid = SteerablePyramid(orientations, bandwidth)
    back = pyramid.synthesise(*pyramid.analyse(image))
    assert back.dtype == dtype
    assert (back - image).abs().max() < tolerance


def test_bands_hold_most_of_an_image_and_the_residual_its_mean() -> None:
    image = images(57, 41)
    coefficients, residual = SteerablePyramid().analyse(image)
    assert residual.mean() == pytest.approx(image.mean().item())
    held = SteerablePyramid().synthesise(coefficients, torch.zeros_like(residual))
    torch.testing.assert_close(held, image - residual, rtol=0, atol=1e-12)
    assert held.var() > 0.3 * image.var()


@pytest.mark.parametrize(("height", "width"), [(9, 12), (17, 16)])
@pytest.mark.parametrize(("orientations", "bandwidth"), [(4, 1.0), (3, 0.5)])
def test_filters_follow_the_formula_and_leave_out_only_its_zeros(
    height: int, width: int, orientations: int, bandwidth: float
) -> None:
    bands = SteerablePyramid(orientations, bandwidth).bands(images(height, width))
    assert len(bands) == orientations * int((math.log2(min(height, width)) - 2) / bandwidth)
    fy, fx = np.fft.fftfreq(height), np.fft.fftfreq(width)
    for number, band in enumerate(bands):
        level, k = 1 + number // orientations, number % orientations
        expected = [[formula(y, x, level, k, orientations, bandwidth) for x in fx] for y in fy]
        ours = torch.zeros(height, width, dtype=torch.float64)
        ours[band.rows, band.columns] = band.gain
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("level", "step"), [(1, 1), (2, 2), (3, 4), (4, 8)])
def test_coefficients_are_samples_of_the_band_at_full_size(level: int, step: int) -> None:
    image = images(64, 64)
    band = SteerablePyramid().bands(image)[4 * (level - 1) + 1]
    full = torch.zeros(64, 64, dtype=torch.float64)
    full[band.rows, band.columns] = band.gain
    expected = torch.fft.ifft2(torch.fft.fft2(image) * full)[:, ::step, ::step]
    torch.testing.assert_close(band.take(torch.fft.fft2(image)), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("cycles_y", "cycles_x", "k"), [(0, 8, 0), (8, 8, 1), (8, 0, 2), (8, -8, 3)])
def test_a_wave_is_strongest_in_the_band_that_faces_it(cycles_y: int, cycles_x: int, k: int) -> None:
    coefficients, _ = SteerablePyramid().analyse(wave(64, cycles_y, cycles_x))
    strongest = max(range(4), key=lambda number: coefficients[4 + number].abs().mean().item())
    assert strongest == k


def test_peak_wavelength_is_where_the_gain_is_largest() -> None:
    for band in SteerablePyramid().bands(images(128, 128))[::4]:
        cycles = band.gain[0].argmax().item()
        assert 128 / cycles == band.wavelength_px


def test_gain_falls_to_half_its_power_half_a_bandwidth_from_the_peak() -> None:
    band = SteerablePyramid(2, 2.0).bands(images(256, 256))[0]
    peak = int(256 / band.wavelength_px)
    power = band.gain[0] ** 2 / band.gain[0, peak] ** 2
    assert power[peak // 2] == pytest.approx(0.5)
    assert power[2 * peak] == pytest.approx(0.5)


@pytest.mark.parametrize("moved", [0.01, 0.2, 0.4])
def test_translation_turns_the_phase_and_keeps_the_amplitude(moved: float) -> None:
    """A shift of ``moved`` cycles is a factor ``exp(-2 pi i moved)``, its conjugate in a band that faces away."""
    still, _ = SteerablePyramid().analyse(wave(48, 3, 5))
    after, _ = SteerablePyramid().analyse(wave(48, 3, 5, moved))
    for number, (before, then) in enumerate(zip(still, after, strict=True)):
        faces = math.cos(math.atan2(3, 5) - math.pi * (number % 4) / 4) > 0
        turn = cmath.exp(-2j * math.pi * moved * (1 if faces else -1))
        torch.testing.assert_close(then, before * turn, rtol=0, atol=1e-12)
        assert before.abs().std() < 1e-12


def test_coarser_bands_need_fewer_samples_of_lengths_an_fft_likes() -> None:
    bands = SteerablePyramid(2).bands(images(170, 139))
    assert [tuple(band.gain.shape) for band in bands[::2]] == [(170, 139), (90, 72), (45, 36), (24, 18), (12, 9)]


@pytest.mark.parametrize("device", DEVICES)
def test_images_of_a_batch_do_not_touch_each_other(device: str) -> None:
    batch = images(21, 34).to(device).expand(3, 2, 21, 34)
    together, residual = SteerablePyramid().analyse(batch)
    alone, alone_residual = SteerablePyramid().analyse(batch[1, 1])
    torch.testing.assert_close(residual[1, 1], alone_residual, rtol=0, atol=1e-12)
    for many, one in zip(together, alone, strict=True):
        torch.testing.assert_close(many[1, 1], one, rtol=0, atol=1e-12)


def test_filters_are_made_once_per_size_and_settings() -> None:
    bands = SteerablePyramid().bands(images(40, 30))
    assert SteerablePyramid().bands(images(40, 30)) is bands
    assert SteerablePyramid(5).bands(images(40, 30)) is not bands
    assert SteerablePyramid().bands(images(40, 31)) is not bands
    assert SteerablePyramid().bands(images(40, 30).float())[0].gain.dtype == torch.float32


def test_filters_made_without_gradients_serve_gradients_too() -> None:
    with torch.inference_mode():
        SteerablePyramid(7).analyse(images(11, 13))
    image = images(11, 13).requires_grad_()
    pyramid = SteerablePyramid(7)
    pyramid.synthesise(*pyramid.analyse(image)).sum().backward()
    assert image.grad is not None
    torch.testing.assert_close(image.grad, torch.ones_like(image), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("height", "width"), [(7, 40), (40, 7), (1, 1)])
def test_image_smaller_than_the_filters_is_refused(height: int, width: int) -> None:
    with pytest.raises(MerError, match=f"{height}x{width}"):
        SteerablePyramid().analyse(images(height, width))


def test_bytes_are_refused() -> None:
    with pytest.raises(MerError, match="uint8"):
        SteerablePyramid().bands(torch.zeros(16, 16, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("orientations", 1), ("orientations", 17), ("orientations", 4.5), ("bandwidth", 0.2), ("bandwidth", 2.1)],
)
def test_setting_out_of_bounds_is_refused_by_name(setting: str, value: float) -> None:
    with pytest.raises(MerError, match=setting):
        SteerablePyramid(**{setting: value})
