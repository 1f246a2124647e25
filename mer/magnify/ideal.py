"""The ideal band-pass: frequencies inside the band are kept whole, all others dropped."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, Self

import torch
from torch import Tensor

from mer.errors import MerError
from mer.magnify.temporal import Cutoffs, Settings, require_lengths


class Ideal(Cutoffs):
    """Keeps the frequencies ``m fps / T`` of a clip of T frames that lie strictly between the cut-offs.

    ``band_n = sum_k w_nk x_k``, ``w_nk = 2 / T sum_m cos(2 pi m (n - k) / T)`` over the m that are kept, 0 < m < T / 2.
    The published code keeps the positive frequencies alone, which halves the band.

    It looks ahead: the weights of every frame depend on the clip's length. A clip is taken as one period, so that it
    should end as it began: key frames take it from onset to offset. From onset to apex alone, the apex would lie beside
    the onset, at the jump of a sawtooth, and its band would be about half.
    Source: Wu et al., ACM TOG 31(4), 2012, doi 10.1145/2185520.2185561, and its MATLAB code.

    Args:
        low_hz: lower cut-off, > 0.
        high_hz: upper cut-off, above ``low_hz`` and below half the frame rate.
        fps: frames a second; None: the clip's, told by ``at``.
        matlab: half the band, as published.
    """

    looks_ahead = True

    def __init__(self, low_hz: float, high_hz: float, fps: float | None = None, matlab: bool = False) -> None:
        super().__init__(low_hz, high_hz, fps)
        self.matlab = matlab

    def published(self) -> Self:
        """The filter with half the band."""
        return self._with(matlab=True)

    def bands(self, frames: Iterable[Tensor]) -> Iterator[Tensor]:
        """Bands of one clip's frames, all of which are read first."""
        yield from self._band(torch.stack(list(frames)))

    def filter(self, clip: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Band of every frame of ``(B, T, ...)``, each clip over its own length.

        Raises:
            MerError: a clip is too short to hold a frequency of the band.
        """
        if lengths is None:
            return self._band(clip.transpose(0, 1)).transpose(0, 1)
        bands = torch.zeros_like(clip)
        for number, length in enumerate(require_lengths(clip, lengths)):
            bands[number, :length] = self._band(clip[number, :length])
        return bands

    def weights(self, index: int, length: int | None = None) -> Tensor:
        """``(length,)`` float64 weights in the band of frame ``index``.

        Raises:
            MerError: the clip is too short to hold a frequency of the band.
        """
        length = index + 1 if length is None else length
        apart = index - torch.arange(length, dtype=torch.float64)
        cycles = torch.tensor(self._kept(length), dtype=torch.float64) / length
        waves = torch.cos(2 * math.pi * cycles[:, None] * apart)
        return 2 * self._gain() / length * waves.sum(0)

    def settings(self) -> Settings:
        return {
            "filter": "ideal",
            "low": self.low_hz / self.rate(),
            "high": self.high_hz / self.rate(),
            "gain": self._gain(),
        }

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "matlab": self.matlab}

    def _gain(self) -> float:
        return 0.5 if self.matlab else 1.0

    def _band(self, frames: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(frames, dim=0)
        mask = torch.zeros(len(spectrum), dtype=frames.dtype, device=frames.device)
        mask[self._kept(len(frames))] = self._gain()
        kept = spectrum * mask.view(-1, *(1 for _ in frames.shape[1:]))
        band: Tensor = torch.fft.irfft(kept, n=len(frames), dim=0)
        return band

    def _kept(self, length: int) -> list[int]:
        step_hz = self.rate() / length
        kept = [number for number in range(length // 2 + 1) if self.low_hz < number * step_hz < self.high_hz]
        if not kept:
            expected = f"a clip long enough for a frequency between {self.low_hz:g} and {self.high_hz:g} Hz"
            got = f"{length} frames at {self.rate():g} fps, whose frequencies are {step_hz:.3g} Hz apart"
            raise MerError(expected, got, "widen temporal.low_hz to high_hz, or choose another temporal filter")
        return kept
