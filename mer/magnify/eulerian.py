"""Linear Eulerian motion magnification, for whole clips and, in closed form, for single frames."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mer.errors import require_number
from mer.magnify.bound import share_beyond_bound
from mer.magnify.pyramid import amplify, n_levels
from mer.magnify.temporal import IIR, TemporalFilter, at_once_or_in_turn, frames_at, require_clip, require_indices

EXAGGERATION = 2.0  # the published code's `exaggeration_factor`
_YIQ_TO_RGB = ((1.0, 0.956, 0.621), (1.0, -0.272, -0.647), (1.0, -1.106, 1.703))


def level_gains(height: int, width: int, alpha: float, lambda_c: float, matlab: bool = False) -> list[float]:
    """Gain of each pyramid level, finest first.

    A level of spatial wavelength lambda may be magnified until ``(1 + alpha) delta < lambda / 8`` (eq. 5), with delta
    such that alpha is reached at lambda_c. The finest level and the residual get 0. The published code lets the gain
    of a short wavelength fall below 0, which inverts its motion; it is clamped at 0 unless ``matlab``.
    """
    delta = lambda_c / 8 / (1 + alpha)
    wavelengths_px = level_wavelengths_px(height, width)
    gains = [min(alpha, EXAGGERATION * (wavelength / delta / 8 - 1)) for wavelength in wavelengths_px]
    gains = gains if matlab else [max(0.0, gain) for gain in gains]
    return [0.0, *gains[1:-1], 0.0]


def level_wavelengths_px(height: int, width: int) -> list[float]:
    """Wavelength that the published schedule takes each level for, finest first; the last a third of the diagonal."""
    levels = n_levels(height, width)
    coarsest = math.hypot(height, width) / 3
    return [coarsest / 2 ** (levels - 1 - level) for level in range(levels)]


class EulerianMagnifier(nn.Module):
    """Magnifies tiny motion in RGB clips.

    The magnified frame is ``x_n + collapse(gain_l * pyramid_l(band_n))``, its chroma part attenuated. Band, pyramid and
    gains are linear, so one frame needs one weighted sum over time and one pyramid (:meth:`frame`), and that sum
    depends neither on alpha nor on lambda_c (:meth:`magnify`).
    Source: Wu et al., ACM TOG 31(4), 2012, doi 10.1145/2185520.2185561; paper section 2.1, eq. 3-5.

    Args:
        alpha: magnification factor, >= 0.
        lambda_c: spatial cut-off wavelength in px, > 0.
        temporal: band-pass filter over frames; default IIR(0.4, 0.05).
        chroma_attenuation: share of the magnified colour motion that is kept, in [0, 1].
        matlab: keep the published code's quirks: unclamped gains, and those of the temporal filter.
    """

    chroma: Tensor

    def __init__(
        self,
        alpha: float = 20.0,
        lambda_c: float = 16.0,
        temporal: TemporalFilter | None = None,
        chroma_attenuation: float = 0.1,
        matlab: bool = False,
    ) -> None:
        super().__init__()
        self.alpha = require_number("magnify.alpha", alpha, 0, 1e4)
        self.lambda_c = require_number("magnify.lambda_c", lambda_c, 1e-3, 1e6)
        temporal = temporal if temporal is not None else IIR()
        self.temporal = temporal.published() if matlab else temporal
        self.matlab = matlab
        self.register_buffer("chroma", _attenuation(require_number("chroma_attenuation", chroma_attenuation, 0, 1)))

    def forward(
        self, clip: Float[Tensor, "batch time 3 height width"], lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch time 3 height width"]:
        """Magnify every frame: ``(B, T, 3, H, W)`` RGB in [0, 1] -> same shape.

        Args:
            clip: clips, the shorter ones filled up to T frames.
            lengths: frames of each clip before the filling, which is returned as it is and touches nothing.

        Raises:
            MerError: another shape, or a length outside 1..T.
        """
        require_clip(clip)
        bands = self.temporal.filter(clip, lengths)
        return self.magnify(clip.flatten(0, 1), bands.flatten(0, 1)).view_as(clip)

    def frame(
        self,
        clip: Float[Tensor, "batch time 3 height width"],
        index: int | Int[Tensor, " batch"],
        lengths: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch 3 height width"]:
        """Magnify one frame of each clip, in closed form: ``(B, T, 3, H, W)`` -> ``(B, 3, H, W)``.

        Args:
            clip: as for :meth:`forward`.
            index: the frame, one for all clips or one each.
            lengths: as for :meth:`forward`.

        Raises:
            MerError: another shape, a length outside 1..T, or no such frame.
        """
        bands = self.band(clip, index, lengths)
        return self.magnify(frames_at(clip, require_indices(clip, index, lengths)), bands)

    def band(
        self,
        clip: Float[Tensor, "batch time 3 height width"],
        index: int | Int[Tensor, " batch"],
        lengths: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch 3 height width"]:
        """Band of one frame of each clip, arguments as for :meth:`frame`: it depends neither on alpha nor on lambda_c.

        Raises:
            MerError: as :meth:`frame`.
        """
        require_clip(clip)
        return at_once_or_in_turn(clip, require_indices(clip, index, lengths), self._weighted_sum)

    def magnify(
        self,
        frames: Float[Tensor, "batch 3 height width"],
        bands: Float[Tensor, "batch 3 height width"],
        onsets: Float[Tensor, "batch 3 height width"] | None = None,
    ) -> Float[Tensor, "batch 3 height width"]:
        """Magnify ``frames`` by their ``bands``, both ``(B, 3, H, W)``: all that a sweep repeats.

        ``onsets`` are for magnifiers that need them; this one does not.
        """
        return amplify(bands, self._gains(frames), self.chroma.to(bands), onto=frames).clamp_(0, 1)

    def beyond_bound(
        self, frames: Float[Tensor, "batch 3 height width"], bands: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, " batch"]:
        """Part of each frame's added motion where eq. 5 does not hold (:func:`mer.magnify.share_beyond_bound`)."""
        wavelengths_px = level_wavelengths_px(*frames.shape[-2:])
        return share_beyond_bound(frames, bands, self._gains(frames), wavelengths_px)

    def _gains(self, frames: Tensor) -> list[float]:
        height, width = frames.shape[-2:]
        return level_gains(height, width, self.alpha, self.lambda_c, self.matlab)

    def _weighted_sum(self, clips: Tensor, index: int, length: int) -> Tensor:
        weights = self.temporal.weights(index, length).to(clips)
        clips = clips[:, : len(weights)]
        # A product a channel, or a clip, shares the cores; one product of vector and matrix does not.
        parts = clips[0].transpose(0, 1).flatten(2) if len(clips) == 1 else clips.flatten(2)
        return torch.bmm(weights.expand(len(parts), 1, -1), parts).view_as(clips[:, 0])


class NoMagnification(nn.Module):
    """Leaves the apex frame as it is: the ablation ``magnify=none``. Shares the store with the filter it names."""

    def __init__(self, temporal: TemporalFilter | None = None) -> None:
        super().__init__()
        self.temporal = temporal if temporal is not None else IIR()

    def magnify(self, frames: Tensor, bands: Tensor, onsets: Tensor | None = None) -> Tensor:
        """Return ``frames``."""
        return frames


def _attenuation(kept: float) -> Tensor:
    # RGB -> YIQ, scale I and Q, back to RGB: one 3x3 matrix, since the band is a difference of colours.
    to_rgb = torch.tensor(_YIQ_TO_RGB, dtype=torch.float64)
    return (to_rgb @ torch.diag(torch.tensor([1.0, kept, kept], dtype=torch.float64)) @ to_rgb.inverse()).float()
