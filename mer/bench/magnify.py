"""The apex frame magnified in closed form, beside runs over the whole clip: mer's own, and a user's in NumPy."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.table import Table
from torch import Tensor

from mer.bench.timing import seconds
from mer.magnify import EulerianMagnifier, collapse, laplacian_pyramid
from mer.magnify.eulerian import level_gains

_ALPHA, _LAMBDA_C, _CHROMA, _R1, _R2 = 20.0, 16.0, 0.1, 0.4, 0.05  # the published settings for micro-expressions
_ALPHAS = (1, 5, 10, 15, 20, 25, 30, 40)
_RGB_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float64)
_YIQ_TO_RGB = np.linalg.inv(_RGB_TO_YIQ)

_BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16
_CALLS = 10  # of the closed form, which takes milliseconds: one alone is mostly noise
_CLIPS = 16  # at once: enough to fill a GPU, 620 MB at 64 frames of 224 px

Frames = NDArray[np.float64]


@torch.no_grad()
def bench_magnification(clip: Tensor, repeats: int) -> list[dict[str, object]]:
    """The last frame of ``clip`` (1, T, 3, H, W), in closed form beside whole-clip runs; its parts; many clips at once.

    Of the parts, the weighted sum over time is paid once a clip, the rest by each setting of a sweep.

    Args:
        clip: on the device to measure; the runs in NumPy are on the CPU.
        repeats: the two are measured in turn, so often; medians count.
    """
    last = clip.shape[1] - 1
    magnifier = EulerianMagnifier(_ALPHA, _LAMBDA_C).to(clip.device)
    sweep = [EulerianMagnifier(alpha, _LAMBDA_C).to(clip.device) for alpha in _ALPHAS]
    frames = np.ascontiguousarray(clip[0].permute(0, 2, 3, 1).cpu().numpy(), np.float64)
    band = magnifier.band(clip, last)
    clips = clip.expand(_CLIPS, *clip.shape[1:]).clone()

    def swept() -> None:
        of_clip = magnifier.band(clip, last)
        for one in sweep:
            one.magnify(clip[:, last], of_clip)

    def apex() -> Tensor:
        return magnifier.frame(clip, last)

    def stored() -> Tensor:
        return magnifier.magnify(clip[:, last], band)

    whole = "mer, whole clip"
    return [
        _row("apex", whole, lambda: magnifier(clip), apex, repeats),
        _row("apex", "torch, whole clip as published", lambda: in_torch(clip, magnifier), apex, repeats),
        _row("apex", "NumPy, whole clip", lambda: IN_NUMPY(frames), apex, repeats),
        _row("apex", "NumPy with OpenCV's pyramids, whole clip", lambda: IN_OPENCV(frames), apex, repeats),
        _row(f"apex, {len(sweep)} alphas", whole, lambda: [one(clip) for one in sweep], swept, repeats),
        _row(
            "band of the apex",
            "filter, whole clip",
            lambda: magnifier.temporal.filter(clip),
            lambda: magnifier.band(clip, last),
            repeats,
        ),
        _row("apex from its band", "apex from the clip", apex, stored, repeats),
        _row(
            f"apex, {_CLIPS} clips at once",
            "reading their memory once",
            clips.sum,
            lambda: magnifier.frame(clips, last),
            repeats,
            _CLIPS,
        ),
    ]


def magnification_table(rows: list[dict[str, object]], title: str) -> Table:
    """The rows for a terminal."""
    table = Table("what", "instead", "instead (s)", "mer (s)", "ratio", "clips/s", title=title)
    for row in rows:
        numbers = f"{row['instead_s']:.4f}", f"{row['mer_s']:.4f}", f"{row['ratio']:.2f}x", f"{row['clips_per_s']:.0f}"
        table.add_row(str(row["what"]), str(row["instead"]), *numbers)
    return table


def in_torch(clip: Tensor, magnifier: EulerianMagnifier) -> Tensor:
    """The published order of steps in torch, all frames and each level at once: ``(1, T, 3, H, W)`` -> same shape.

    A pyramid of every frame, the filter on every level, gains, collapse.
    """
    height, width = clip.shape[-2:]
    gains = level_gains(height, width, magnifier.alpha, magnifier.lambda_c)
    bands = [magnifier.temporal.filter(level[None])[0] for level in laplacian_pyramid(clip[0])]
    motion = collapse([gain * band for gain, band in zip(gains, bands, strict=True)])
    return (clip + torch.einsum("dc,tchw->tdhw", magnifier.chroma, motion)).clamp(0, 1)


def reduce_in_opencv(image: Frames) -> Frames:
    """Half the image; OpenCV has the published filter and border."""
    return np.asarray(cv2.pyrDown(image), np.float64)


def enlarge_in_opencv(low: Frames, like: Frames) -> Frames:
    """``low`` at the size of ``like``."""
    return np.asarray(cv2.pyrUp(low, dstsize=like.shape[1::-1]), np.float64)


def reduce_in_numpy(image: Frames) -> Frames:
    """Half the image: the binomial filter as five shifted copies along each axis, then every other sample."""
    return _blur(image)[::2, ::2]


def enlarge_in_numpy(low: Frames, like: Frames) -> Frames:
    """``low`` at the size of ``like``: zeros between its samples, then the filter."""
    stuffed = np.zeros_like(like)
    stuffed[::2, ::2] = 4 * low
    return _blur(stuffed)


@dataclass(frozen=True)
class WholeClip:
    """The published whole-clip run as a user would write it down: ``(T, H, W, 3)`` RGB in [0, 1] -> same shape.

    Each frame in turn, in double precision as there: to YIQ, a Laplacian pyramid, both low-passes on every level,
    gains, collapse, back to RGB.
    Source: Wu et al., ACM TOG 31(4), 2012, doi 10.1145/2185520.2185561, amplify_spatial_lpyr_temporal_iir.m.

    Attributes:
        reduce: an image to half its size.
        enlarge: an image to the size of another.
    """

    reduce: Callable[[Frames], Frames]
    enlarge: Callable[[Frames, Frames], Frames]

    def __call__(self, frames: Frames) -> Frames:
        """Magnify ``frames``."""
        out = np.empty_like(frames)
        out[0] = frames[0]
        fast = slow = self._pyramid(frames[0] @ _RGB_TO_YIQ.T)
        for number in range(1, len(frames)):
            yiq = frames[number] @ _RGB_TO_YIQ.T
            levels = self._pyramid(yiq)
            fast = [(1 - _R1) * state + _R1 * level for state, level in zip(fast, levels, strict=True)]
            slow = [(1 - _R2) * state + _R2 * level for state, level in zip(slow, levels, strict=True)]
            motion = self._collapse(_amplify([one - other for one, other in zip(fast, slow, strict=True)]))
            motion[..., 1:] *= _CHROMA
            out[number] = ((yiq + motion) @ _YIQ_TO_RGB.T).clip(0, 1)
        return out

    def _pyramid(self, image: Frames) -> list[Frames]:
        levels = []
        height, width = image.shape[:2]
        while min(height, width) >= 5:
            low = self.reduce(image)
            levels.append(image - self.enlarge(low, image))
            image, height, width = low, height // 2, width // 2
        return [*levels, image]

    def _collapse(self, levels: Sequence[Frames]) -> Frames:
        image = levels[-1]
        for level in reversed(levels[:-1]):
            image = self.enlarge(image, level) + level
        return image


IN_OPENCV = WholeClip(reduce_in_opencv, enlarge_in_opencv)
IN_NUMPY = WholeClip(reduce_in_numpy, enlarge_in_numpy)


def _blur(image: Frames) -> Frames:
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="reflect")
    height, width = image.shape[:2]
    rows = sum(weight * padded[at : at + height] for at, weight in enumerate(_BINOMIAL))
    return np.asarray(sum(weight * rows[:, at : at + width] for at, weight in enumerate(_BINOMIAL)))


def _amplify(band: Sequence[Frames]) -> list[Frames]:
    delta = _LAMBDA_C / 8 / (1 + _ALPHA)
    wavelength = math.hypot(*band[0].shape[:2]) / 3
    magnified = [np.zeros_like(band[-1])]
    for level in reversed(band[1:-1]):
        wavelength /= 2
        magnified.append(min(_ALPHA, 2 * (wavelength / delta / 8 - 1)) * level)
    return [np.zeros_like(band[0]), *reversed(magnified)]


def _row(
    what: str, name: str, instead: Callable[[], object], ours: Callable[[], object], repeats: int, clips: int = 1
) -> dict[str, object]:
    def often() -> None:
        for _ in range(_CALLS):
            ours()

    pairs = [(seconds(instead), seconds(often) / _CALLS) for _ in range(repeats + 1)][1:]  # the first warms up
    slow, fast = (median(column) for column in zip(*pairs, strict=True))
    return {
        "what": what,
        "instead": name,
        "instead_s": slow,
        "mer_s": fast,
        "ratio": slow / fast,
        "clips_per_s": clips / fast,
    }
