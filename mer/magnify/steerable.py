"""A complex steerable pyramid: oriented band-pass filters, one-sided in frequency, so that each band has a phase."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from mer.errors import MerError, require_integer, require_number

_SMALLEST_PX = 8
_FAST_PRIMES = (2, 3, 5)  # whose products an FFT likes


@dataclass(frozen=True)
class Band:
    """One oriented band-pass filter, kept on the frequencies that it passes.

    Attributes:
        gain: ``(h, w)``, the filter; 0 on the half-plane that faces away from its orientation.
        rows: ``(h, 1)``, where its rows lie in the image's spectrum.
        columns: ``(w,)``, where its columns lie.
        wavelength_px: of the filter's peak.
    """

    gain: Tensor
    rows: Tensor
    columns: Tensor
    wavelength_px: float

    def take(
        self, spectrum: Complex[Tensor, "*batch height width"]
    ) -> Complex[Tensor, "*batch band_height band_width"]:
        """Coefficients of images, from their ``fft2``: the analytic band-pass image, on as few samples as it needs."""
        scale = self.gain.numel() / (spectrum.shape[-2] * spectrum.shape[-1])
        coefficients: Tensor = torch.fft.ifft2(spectrum[..., self.rows, self.columns] * (self.gain * scale))
        return coefficients

    def put(
        self,
        coefficients: Complex[Tensor, "*batch band_height band_width"],
        spectrum: Complex[Tensor, "*batch height width"],
    ) -> None:
        """Add what coefficients contribute to their images; of the spectrum's ``ifft2`` the real part counts."""
        scale = spectrum.shape[-2] * spectrum.shape[-1] / self.gain.numel()
        # Twice, as the real part halves a one-sided spectrum.
        spectrum[..., self.rows, self.columns] += torch.fft.fft2(coefficients) * (2 * scale * self.gain)


class SteerablePyramid:
    """Splits images into oriented bands of a fixed relative width, and puts them together again.

    With r the frequency in units of Nyquist and ``r_l = 2 ** (-l bandwidth)``, the radial windows are
    ``high_l(r) = cos(pi/2 clip(log2(r_l / r) / bandwidth, 0, 1))`` and ``low_l = sqrt(1 - high_l ** 2)``; band (l, k)
    is ``low_(l-1)(r) high_l(r) c cos(theta - pi k / K) ** (K - 1)`` where that cosine is positive, and 0 elsewhere.
    The squares of all bands, with ``high_0 ** 2`` and ``low_L ** 2``, add up to 1. Windows are periodic, as the FFT is.
    Source: Simoncelli and Freeman, ICIP 1995, doi 10.1109/ICIP.1995.537667; Portilla and Simoncelli, IJCV 40(1), 2000,
    doi 10.1023/A:1026553619983; built in the frequency domain as in Wadhwa et al., ACM TOG 32(4), 2013,
    doi 10.1145/2461912.2461966.

    Args:
        orientations: K, in 2..16.
        bandwidth: octaves between bands, and the width of each at half its power, in [0.25, 2].
    """

    def __init__(self, orientations: int = 4, bandwidth: float = 1.0) -> None:
        self.orientations = require_integer("orientations", orientations, 2, 16)
        self.bandwidth = require_number("bandwidth", bandwidth, 0.25, 2)

    def bands(self, images: Tensor) -> tuple[Band, ...]:
        """Filters for images ``(..., H, W)``, finest first, on their device; made once per size.

        Raises:
            MerError: images smaller than 8x8 px, or bytes.
        """
        return self._filters(images)[0]

    def analyse(
        self, images: Float[Tensor, "*batch height width"]
    ) -> tuple[list[Complex[Tensor, "*batch _ _"]], Float[Tensor, "*batch height width"]]:
        """``(..., H, W)`` -> the bands' coefficients, and the residual that no band holds ``(..., H, W)``.

        Raises:
            MerError: images smaller than 8x8 px, or bytes.
        """
        bands, rest = self._filters(images)
        spectrum = torch.fft.fft2(images)
        return [band.take(spectrum) for band in bands], torch.fft.ifft2(spectrum * rest).real

    def synthesise(
        self, coefficients: Sequence[Complex[Tensor, "*batch _ _"]], residual: Float[Tensor, "*batch height width"]
    ) -> Float[Tensor, "*batch height width"]:
        """Inverse of :meth:`analyse`."""
        spectrum = torch.fft.fft2(residual)
        for band, of_band in zip(self.bands(residual), coefficients, strict=True):
            band.put(of_band, spectrum)
        images: Tensor = torch.fft.ifft2(spectrum).real
        return images

    def _filters(self, images: Tensor) -> tuple[tuple[Band, ...], Tensor]:
        height, width = images.shape[-2:]
        if min(height, width) < _SMALLEST_PX:
            raise MerError(
                f"images of {_SMALLEST_PX}x{_SMALLEST_PX} px or more", f"{height}x{width}", "use a larger crop"
            )
        if not images.is_floating_point():
            raise MerError("images of floating-point numbers", str(images.dtype), "divide bytes by 255")
        return _filters(height, width, self.orientations, self.bandwidth, images.dtype, images.device)


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # as tensors that are kept must serve any mode
def _filters(
    height: int, width: int, orientations: int, bandwidth: float, dtype: torch.dtype, device: torch.device
) -> tuple[tuple[Band, ...], Tensor]:
    """All bands of one image size, and the power of the residual ``high_0 ** 2 + low_L ** 2``, ``(H, W)``."""
    levels = int((math.log2(min(height, width)) - 2) / bandwidth)
    bands = []
    for level in range(1, levels + 1):
        edge = 2.0 ** -((level - 1) * bandwidth)
        rows, columns = (_kept_frequencies(side, edge) for side in (height, width))
        y, x = 2 * rows[:, None] / height, 2 * columns / width
        radial = _low(torch.hypot(y, x), edge, bandwidth) * _high(torch.hypot(y, x), edge / 2**bandwidth, bandwidth)
        index = (rows[:, None] % height).long().to(device), (columns % width).long().to(device)
        for k in range(orientations):
            gain = radial * _angular(torch.atan2(y, x), k, orientations)
            bands.append(Band(gain.to(device, dtype), *index, wavelength_px=2 * 2 ** (level * bandwidth)))
    radius = 2 * torch.hypot(_frequencies(height)[:, None] / height, _frequencies(width) / width)
    rest = _high(radius, 1.0, bandwidth) ** 2 + _low(radius, 2.0 ** -(levels * bandwidth), bandwidth) ** 2
    return tuple(bands), rest.to(device, dtype)


def _kept_frequencies(side: int, edge: float) -> Tensor:
    """Whole frequencies, in the FFT's order, of a side that holds all those below ``edge`` of Nyquist."""
    return _frequencies(min(side, _fast_length(math.ceil(edge * side))))


def _frequencies(side: int) -> Tensor:
    frequencies: Tensor = torch.fft.fftfreq(side, 1 / side, dtype=torch.float64)
    return frequencies.round()


def _fast_length(side: int) -> int:
    rest = side
    for prime in _FAST_PRIMES:
        while rest % prime == 0:
            rest //= prime
    return side if rest == 1 else _fast_length(side + 1)


def _ramp(radius: Tensor, edge: float, bandwidth: float) -> Tensor:
    """Octaves below ``edge``, in units of the bandwidth, in [0, 1], as an angle up to pi / 2."""
    octaves = math.log2(edge) - torch.log2(radius)
    return (octaves / bandwidth).clamp(0, 1) * (math.pi / 2)


def _high(radius: Tensor, edge: float, bandwidth: float) -> Tensor:
    ramp = _ramp(radius, edge, bandwidth)
    return torch.where(ramp < math.pi / 2, ramp.cos(), 0.0)


def _low(radius: Tensor, edge: float, bandwidth: float) -> Tensor:
    return _ramp(radius, edge, bandwidth).sin()


def _angular(angle: Tensor, k: int, orientations: int) -> Tensor:
    """``c cos(theta - pi k / K) ** (K - 1)`` on its half-plane; over all k and both halves the squares add up to 1."""
    power = orientations - 1
    total = orientations * math.comb(2 * power, power) / 4**power
    window: Tensor = torch.cos(angle - math.pi * k / orientations).clamp(min=0) ** power / math.sqrt(total)
    return window
