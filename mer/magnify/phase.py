"""Phase-based motion magnification: moves each band of an image instead of adding a difference of images to it."""

from collections.abc import Callable
from functools import lru_cache, partial

import torch
from jaxtyping import Float, Int
from kornia.color import rgb_to_grayscale
from torch import Tensor, nn

from mer.errors import MerError, require_number
from mer.magnify.steerable import SteerablePyramid
from mer.magnify.temporal import IIR, TemporalFilter, at_once_or_in_turn, require_clip, require_indices


class PhaseMagnifier(nn.Module):
    """Magnifies tiny motion in RGB clips by the phase of a complex steerable pyramid.

    With S the coefficients of a band, frame n moves by ``S_n exp(i alpha blur(band(phi))_n)``. There
    ``phi_n = angle(S_n conj(S_0))`` in (-pi, pi] is the phase relative to the first frame, ``band`` the temporal
    filter, and ``blur(p) = (G * |S_n| p) / (G * |S_n|)`` the amplitude-weighted Gaussian blur. The change of the bands
    is added to the frame; the low-pass and high-pass residuals stay as they are. Borders wrap around.

    A motion of ``delta`` px becomes ``(1 + alpha) delta`` only while a band moves inside its own filters:
    ``alpha delta < lambda / 4`` for bands of one octave around wavelength lambda and ``lambda / 2`` for half an octave
    (Eulerian magnification: ``(1 + alpha) delta < lambda / 8``). Beyond that the motion seen saturates, and it wraps
    around where ``delta`` passes ``lambda / 2``. A finer bandwidth costs bands, time, and sharpness in space.
    Source: Wadhwa et al., ACM TOG 32(4), 2013, doi 10.1145/2461912.2461966, section 3.

    Args:
        alpha: magnification factor, >= 0.
        temporal: band-pass filter over frames; default IIR(0.4, 0.05).
        orientations: of the pyramid, in 2..16.
        bandwidth: of the pyramid's bands, in octaves, in [0.25, 2].
        sigma_px: standard deviation of the blur, in samples of each band; 0 is no blur.
        chroma: move red, green and blue each by its own phase; else the luma moves and the chroma stays.
    """

    def __init__(
        self,
        alpha: float = 20.0,
        temporal: TemporalFilter | None = None,
        orientations: int = 4,
        bandwidth: float = 1.0,
        sigma_px: float = 2.0,
        chroma: bool = False,
    ) -> None:
        super().__init__()
        self.alpha = require_number("magnify.alpha", alpha, 0, 1e4)
        self.temporal = temporal if temporal is not None else IIR()
        self.pyramid = SteerablePyramid(orientations, bandwidth)
        self.sigma_px = require_number("magnify.sigma_px", sigma_px, 0, 100)
        self.chroma = chroma

    def forward(
        self, clip: Float[Tensor, "batch time 3 height width"], lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch time 3 height width"]:
        """Magnify every frame: ``(B, T, 3, H, W)`` RGB in [0, 1] -> same shape.

        Args:
            clip: clips, the shorter ones filled up to T frames.
            lengths: frames of each clip before the filling, which is returned as it is and touches nothing.

        Raises:
            MerError: another shape, bytes, frames smaller than 8x8 px, or a length outside 1..T.
        """
        require_clip(clip)
        return self._move(clip, slice(None), partial(self.temporal.filter, lengths=lengths))

    def frame(
        self,
        clip: Float[Tensor, "batch time 3 height width"],
        index: int | Int[Tensor, " batch"],
        lengths: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch 3 height width"]:
        """Magnify one frame of each clip: ``(B, T, 3, H, W)`` -> ``(B, 3, H, W)``.

        Its phase is one weighted sum over time, but each frame of that sum needs a pyramid.

        Args:
            clip: as for :meth:`forward`.
            index: the frame, one for all clips or one each.
            lengths: as for :meth:`forward`.

        Raises:
            MerError: another shape, bytes, frames smaller than 8x8 px, a length outside 1..T, or no such frame.
        """
        require_clip(clip)
        return at_once_or_in_turn(clip, require_indices(clip, index, lengths), self._frame)

    def magnify(
        self,
        frames: Float[Tensor, "batch 3 height width"],
        bands: Float[Tensor, "batch 3 height width"] | None = None,
        onsets: Float[Tensor, "batch 3 height width"] | None = None,
    ) -> Float[Tensor, "batch 3 height width"]:
        """Magnify the motion from ``onsets`` to ``frames``, all ``(B, 3, H, W)``: the case of two frames.

        Phase is not linear in the images, so it cannot be had from the temporally filtered images ``bands``: they are
        not used. The phase is ``angle(S_frame conj(S_onset))``, all of it times alpha, **without a temporal filter**:
        slow drift and flicker between the two frames are magnified too, and the whole motion becomes (1 + alpha) times
        itself. ``temporal`` only names the key frames that are read, so that they are shared with ``magnify=evm``.

        Raises:
            MerError: no onsets, onsets of another shape, another shape, bytes, or frames smaller than 8x8 px.
        """
        if onsets is None:
            raise MerError("the onset frames beside the apex frames", "none", "pass onsets=, or use magnify=evm")
        if frames.shape != onsets.shape:
            raise MerError(f"onsets of {tuple(frames.shape)}", f"{tuple(onsets.shape)}", "give one onset a frame")
        if frames.ndim != 4 or frames.shape[1] != 3:
            raise MerError("frames (B, 3, H, W)", f"{tuple(frames.shape)}", "stack the RGB frames on dimension 0")
        of_second = partial(_weighted_sum, weights=torch.tensor([0.0, 1.0]))
        return self._move(torch.stack([onsets, frames], dim=1), slice(1, 2), of_second)[:, 0]

    def _frame(self, clips: Tensor, index: int, length: int) -> Tensor:
        weights = self.temporal.weights(index, length)
        summed = partial(_weighted_sum, weights=weights)
        return self._move(clips[:, : len(weights)], slice(index, index + 1), summed)[:, 0]

    def _move(self, clip: Tensor, kept: slice, temporal: Callable[[Tensor], Tensor]) -> Tensor:
        """Magnify frames ``kept`` of ``clip``; ``temporal`` takes phases ``(B, T, C, h, w)`` to theirs."""
        bands = self.pyramid.bands(clip)
        spectrum = torch.fft.fft2(clip if self.chroma else rgb_to_grayscale(clip))
        change = torch.zeros_like(spectrum[:, kept])
        for band in bands:
            coefficients = band.take(spectrum)
            phase = temporal(torch.angle(coefficients * coefficients[:, :1].conj()))
            band.put(self._shift(coefficients[:, kept], phase), change)
        moved: Tensor = clip[:, kept] + torch.fft.ifft2(change).real
        return moved.clamp(0, 1)

    def _shift(self, coefficients: Tensor, phase: Tensor) -> Tensor:
        """What a shift by alpha times the blurred ``phase`` changes in ``coefficients``."""
        amplitude = coefficients.abs()
        if self.sigma_px > 0:
            phase = weighted_blur(phase, amplitude, self.sigma_px)
        return coefficients * (torch.polar(torch.ones_like(phase), self.alpha * phase) - 1)


def _weighted_sum(phase: Tensor, weights: Tensor) -> Tensor:
    return torch.einsum("t,bt...->b...", weights.to(phase), phase)[:, None]


def weighted_blur(
    phase: Float[Tensor, "*batch height width"], amplitude: Float[Tensor, "*batch height width"], sigma_px: float
) -> Float[Tensor, "*batch height width"]:
    """Gaussian mean of ``phase`` ``(..., h, w)``, weighted by ``amplitude >= 0``; borders wrap around.

    ``(G * amplitude phase) / (G * amplitude)``, 0 where there is no amplitude. Source: Wadhwa et al. 2013, section 3.
    """
    down, across = (_gaussian(side, sigma_px, phase.dtype, phase.device) for side in phase.shape[-2:])
    total = down @ amplitude @ across
    return down @ (amplitude * phase) @ across / total.clamp(min=torch.finfo(phase.dtype).tiny)


@lru_cache(maxsize=256)
@torch.inference_mode(False)  # as tensors that are kept must serve any mode
def _gaussian(side: int, sigma_px: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    # A matrix, not an FFT: its entries are positive, so that a weak amplitude beside a strong one keeps its sign.
    steps = torch.arange(side, dtype=torch.float64)
    steps = torch.minimum(steps, side - steps)
    line = torch.exp(-0.5 * (steps / sigma_px) ** 2)
    rows = [line.roll(row) for row in range(side)]
    return (torch.stack(rows) / line.sum()).to(device, dtype)
