"""The reference's Laplacian pyramid.

Kornia's ``build_laplacian_pyramid`` pads an image to the next power of two and its ``build_pyramid`` floors odd
sizes; the published magnification (matlabPyrTools) does neither: it blurs with the binomial filter, mirrors without
repeating the border and keeps ceil(n / 2) samples. Gains are per level, so another pyramid is another magnification.
Only the filtering itself is Kornia's here.
"""

import torch
from kornia.filters import filter2d_separable
from torch import Tensor

from mer.errors import MerError

_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_TAPS = len(_BINOMIAL)


def n_levels(height: int, width: int) -> int:
    """Levels of the pyramid, residual included: one more than the halvings with both sides at least 5 px.

    Raises:
        MerError: the image is smaller than the filter.
    """
    if min(height, width) < _TAPS:
        raise MerError(f"an image of {_TAPS}x{_TAPS} px or more", f"{height}x{width}", "use a larger crop")
    levels = 1
    while min(height, width) >= _TAPS:
        height, width, levels = height // 2, width // 2, levels + 1
    return levels


def laplacian_pyramid(images: Tensor) -> list[Tensor]:
    """``(B, C, H, W)`` -> levels, finest first, the low-pass residual last."""
    levels = []
    for _ in range(n_levels(*images.shape[-2:]) - 1):
        low = _blur(images)[..., ::2, ::2]
        levels.append(images - _enlarge(low, images))
        images = low
    return [*levels, images]


def collapse(levels: list[Tensor]) -> Tensor:
    """Inverse of :func:`laplacian_pyramid`."""
    image = levels[-1]
    for level in reversed(levels[:-1]):
        image = _enlarge(image, level) + level
    return image


def _blur(images: Tensor, gain: float = 1.0) -> Tensor:
    taps = images.new_tensor(_BINOMIAL)[None] * gain
    return filter2d_separable(images, taps, taps, border_type="reflect")


def _enlarge(low: Tensor, like: Tensor) -> Tensor:
    # Three of four samples are zero: a gain of 2 along each axis keeps the mean.
    stuffed = torch.zeros_like(like)
    stuffed[..., ::2, ::2] = low
    return _blur(stuffed, gain=2.0)
