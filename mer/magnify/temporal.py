"""Temporal band-pass filters: linear in time, so each is also one row of weights a frame."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from mer.errors import MerError, require_number

Settings = Mapping[str, float | str]


class TemporalFilter(Protocol):
    """A linear filter over frames.

    Attributes:
        looks_ahead: whether the band of a frame depends on later frames, up to the clip's end.
    """

    looks_ahead: bool

    def at(self, fps: float) -> "TemporalFilter":
        """The filter for clips of ``fps`` frames a second; itself where that makes no difference."""
        ...

    def published(self) -> "TemporalFilter":
        """The filter with the quirks of the published code; itself where it has none."""
        ...

    def bands(self, frames: Iterable[Tensor]) -> Iterator[Tensor]:
        """Band of each frame of one clip in turn, with no more memory than the filter needs."""
        ...

    def filter(self, clip: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Band of every frame: ``(B, T, ...)`` -> same shape, 0 from frame ``lengths[b]`` on."""
        ...

    def weights(self, index: int, length: int | None = None) -> Tensor:
        """Float64 weights of frames 0, 1, ... in the band of frame ``index`` of a clip of ``length`` frames.

        ``(index + 1,)``, or ``(length,)`` where the filter looks ahead. Default: the clip ends at ``index``.
        """
        ...

    def settings(self) -> Settings:
        """What the band depends on, for the store's keys."""
        ...


@dataclass(frozen=True)
class LowPass:
    """First-order low-pass ``y_n = pole y_n-1 + now x_n + before x_n-1``, ``y_0 = x_0``, of gain 1 at 0 Hz.

    Attributes:
        now: weight of the frame.
        before: weight of the frame before it.
    """

    now: float
    before: float = 0.0

    @property
    def pole(self) -> float:
        """``1 - now - before``."""
        return 1 - self.now - self.before

    def step(self, state: Tensor, frame: Tensor, previous: Tensor) -> Tensor:
        """``y_n`` of ``y_n-1``, ``x_n`` and ``x_n-1``."""
        # As differences: a frame that does not change leaves the state as it is, to the last bit.
        moved = torch.lerp(state, frame, self.now)
        return moved + self.before * (previous - state) if self.before else moved

    def weights(self, index: int) -> Tensor:
        """The recursion unrolled: ``(index + 1,)`` float64 weights of frames 0..index in ``y_index``."""
        age = torch.arange(index, -1, -1, dtype=torch.float64)
        weights = self.now * self.pole**age
        weights[0] = self.pole**index
        if self.before and index:
            weights[:-1] += self.before * self.pole ** (age[:-1] - 1)
        return weights


class _FirstOrderBand:
    """Difference of two low-passes, a fast and a slow one, both starting at the first frame."""

    looks_ahead = False

    def _passes(self) -> tuple[LowPass, LowPass]:
        raise NotImplementedError

    def published(self) -> Self:
        return self

    def bands(self, frames: Iterable[Tensor]) -> Iterator[Tensor]:
        """Run both recursions, one frame at a time."""
        to_fast, to_slow = self._passes()
        state: tuple[Tensor, Tensor, Tensor] | None = None
        for frame in frames:
            fast, slow, previous = state if state is not None else (frame, frame, frame)
            fast, slow = to_fast.step(fast, frame, previous), to_slow.step(slow, frame, previous)
            state = fast, slow, frame
            yield fast - slow

    def filter(self, clip: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Run both recursions over ``(B, T, ...)``."""
        bands = torch.stack(list(self.bands(clip.unbind(1))), dim=1)
        return bands if lengths is None else bands.masked_fill(~inside(clip, lengths), 0)

    def weights(self, index: int, length: int | None = None) -> Tensor:
        """Both recursions unrolled: ``(index + 1,)`` float64."""
        fast, slow = self._passes()
        return fast.weights(index) - slow.weights(index)


class IIR(_FirstOrderBand):
    """Difference of two first-order low-pass filters, as in the published code for motion.

    ``low_k <- (1 - r) low_k-1 + r x_k`` for r1 and r2, both starting at the first frame; the band is
    ``low(r1) - low(r2)``. Source: Wu et al., ACM TOG 31(4), 2012, doi 10.1145/2185520.2185561, and its MATLAB code.

    Args:
        r1: the faster filter's rate, in (0, 1].
        r2: the slower filter's rate, in (0, r1).
    """

    def __init__(self, r1: float = 0.4, r2: float = 0.05) -> None:
        self.r1 = require_number("temporal.r1", r1, 0, 1)
        self.r2 = require_number("temporal.r2", r2, 0, 1)
        if not 0 < self.r2 < self.r1:
            raise MerError("0 < temporal.r2 < temporal.r1 <= 1", f"r1={r1}, r2={r2}", "swap or change them")

    def at(self, fps: float) -> Self:
        """Itself: its rates are per frame."""
        return self

    def settings(self) -> Settings:
        return {"filter": "iir", "r1": self.r1, "r2": self.r2}

    def _passes(self) -> tuple[LowPass, LowPass]:
        return LowPass(self.r1), LowPass(self.r2)


class Cutoffs:
    """Cut-offs of a filter in Hz, and the frame rate that they are taken at.

    Args:
        low_hz: lower cut-off, > 0.
        high_hz: upper cut-off, above ``low_hz`` and, once the rate is known, below half of it.
        fps: frames a second; None: the clip's, told by :meth:`at`.
    """

    def __init__(self, low_hz: float, high_hz: float, fps: float | None = None) -> None:
        self.low_hz = require_number("temporal.low_hz", low_hz, 0, 1e6)
        self.high_hz = require_number("temporal.high_hz", high_hz, 0, 1e6)
        if not 0 < self.low_hz < self.high_hz:
            got = f"low_hz={low_hz:g}, high_hz={high_hz:g}"
            raise MerError("0 < temporal.low_hz < temporal.high_hz", got, "swap or change them")
        self.fps = None if fps is None else self._fitting(fps)

    def at(self, fps: float) -> Self:
        """The filter for ``fps`` frames a second; itself where it was given a rate already.

        Raises:
            MerError: ``fps`` is unknown (NaN), or too low for ``high_hz``.
        """
        return self if self.fps is not None else self._with(fps=fps)

    def rate(self) -> float:
        """Frames a second.

        Raises:
            MerError: not told yet.
        """
        if self.fps is None:
            raise MerError("the clip's frames a second", "none", "give fps, or take the filter `at` a clip's rate")
        return self.fps

    def _with(self, **changes: float | bool) -> Self:
        return type(self)(**{**self._arguments(), **changes})

    def _arguments(self) -> dict[str, Any]:
        return {"low_hz": self.low_hz, "high_hz": self.high_hz, "fps": self.fps}

    def _fitting(self, fps: float) -> float:
        if isinstance(fps, float) and math.isnan(fps):
            raise MerError("the clip's frames a second", "none on record", "set magnify.temporal.fps")
        if require_number("temporal.fps", fps, 0, 1e6) <= 2 * self.high_hz:
            expected = f"more than {2 * self.high_hz:g} frames a second, twice temporal.high_hz"
            raise MerError(expected, f"{fps:g}", "set a lower magnify.temporal.high_hz")
        return float(fps)


class IIRHz(Cutoffs, _FirstOrderBand):
    """:class:`IIR` whose rates are told as cut-offs in Hz, so that clips of any frame rate keep the same band.

    A low-pass of rate r falls to half its power at ``w = 2 pi f / fps`` where
    ``2 r^2 = 1 - 2 (1 - r) cos w + (1 - r)^2``, that is ``1 - r = c - sqrt(c^2 - 1)`` with ``c = 2 - cos w``.
    At 200 fps IIR(0.4, 0.05) is 1.63 to 16.6 Hz.
    """

    def settings(self) -> Settings:
        r1, r2 = (low_pass.now for low_pass in self._passes())
        return {"filter": "iir", "r1": r1, "r2": r2}

    def _passes(self) -> tuple[LowPass, LowPass]:
        fps = self.rate()
        return LowPass(_rate_of(self.high_hz, fps)), LowPass(_rate_of(self.low_hz, fps))


class Butterworth(Cutoffs, _FirstOrderBand):
    """Difference of two first-order Butterworth low-passes (bilinear transform), both starting at the first frame.

    ``y_n = ((1 - K) y_n-1 + K (x_n + x_n-1)) / (1 + K)`` with ``K = tan(pi f / fps)``. The published code hands
    ``f / fps`` to MATLAB's ``butter``, which takes cut-offs relative to half the frame rate, so that its true
    cut-offs are f / 2.
    Source: Wu et al., ACM TOG 31(4), 2012, doi 10.1145/2185520.2185561, and its MATLAB code.

    Args:
        low_hz: lower cut-off, > 0.
        high_hz: upper cut-off, above ``low_hz`` and below half the frame rate.
        fps: frames a second; None: the clip's, told by :meth:`at`.
        matlab: the published cut-offs, f / 2.
    """

    def __init__(self, low_hz: float, high_hz: float, fps: float | None = None, matlab: bool = False) -> None:
        super().__init__(low_hz, high_hz, fps)
        self.matlab = matlab

    def published(self) -> Self:
        return self._with(matlab=True)

    def settings(self) -> Settings:
        low, high = (hz / 2 if self.matlab else hz for hz in (self.low_hz, self.high_hz))
        return {"filter": "butterworth", "low": low / self.rate(), "high": high / self.rate()}

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "matlab": self.matlab}

    def _passes(self) -> tuple[LowPass, LowPass]:
        settings = self.settings()
        return _butterworth(float(settings["high"])), _butterworth(float(settings["low"]))


def require_clip(clip: Tensor) -> None:
    """Refuse what is no clip of RGB frames.

    Raises:
        MerError: another shape than ``(B, T, 3, H, W)`` with a frame or more.
    """
    if clip.ndim != 5 or clip.shape[2] != 3 or clip.shape[1] < 1:
        raise MerError("a clip (B, T, 3, H, W)", f"{tuple(clip.shape)}", "stack the RGB frames on dimension 1")


def require_lengths(clip: Tensor, lengths: Tensor) -> list[int]:
    """The lengths ``(B,)`` of the clips ``(B, T, ...)`` as whole numbers.

    Raises:
        MerError: another number of lengths, or one outside 1..T.
    """
    batch, most = clip.shape[:2]
    if lengths.shape != (batch,) or lengths.is_floating_point() or bool(((lengths < 1) | (lengths > most)).any()):
        expected = f"{batch} whole lengths in 1..{most}"
        raise MerError(expected, f"{lengths.tolist()}", "give each clip's number of frames before padding")
    return [int(length) for length in lengths.tolist()]


def require_indices(clip: Tensor, index: int | Tensor, lengths: Tensor | None) -> list[tuple[int, int]]:
    """A frame of each of the clips ``(B, T, ...)``: its index, and how many frames the clip has.

    Raises:
        MerError: as ``require_lengths``; another number of frames than clips, or one outside its clip.
    """
    kept = [clip.shape[1]] * len(clip) if lengths is None else require_lengths(clip, lengths)
    indices = index.tolist() if isinstance(index, Tensor) else [index] * len(clip)
    if len(indices) != len(clip):
        raise MerError(f"{len(clip)} frame indices", str(len(indices)), "give one index, or one a clip")
    for number, length in zip(indices, kept, strict=True):
        if not 0 <= number < length:
            raise MerError(f"a frame index in 0..{length - 1}", str(number), "give an index inside the clip")
    return list(zip(indices, kept, strict=True))


def frames_at(clip: Tensor, at: list[tuple[int, int]]) -> Tensor:
    """Those frames ``(B, ...)`` of the clips ``(B, T, ...)``."""
    return torch.stack([frames[index] for frames, (index, _) in zip(clip, at, strict=True)])


def at_once_or_in_turn(
    clip: Tensor, at: list[tuple[int, int]], compute: Callable[[Tensor, int, int], Tensor]
) -> Tensor:
    """``compute(clips, index, length)`` of the clips ``(B, T, ...)``: at once where all have one, else one by one."""
    if len(set(at)) == 1:
        return compute(clip, *at[0])
    return torch.cat([compute(one[None], *frame) for one, frame in zip(clip, at, strict=True)])


def inside(clip: Tensor, lengths: Tensor) -> Tensor:
    """``(B, T, 1, ...)``: which frames of ``clip`` (B, T, ...) lie before their clip's length."""
    kept = torch.tensor(require_lengths(clip, lengths), device=clip.device)
    mask = torch.arange(clip.shape[1], device=clip.device) < kept[:, None]
    return mask.view(*mask.shape, *(1 for _ in clip.shape[2:]))


def _rate_of(cutoff_hz: float, fps: float) -> float:
    # 1 - r of IIRHz, in a form that keeps its digits where the cut-off is far below the frame rate.
    rise = 2 * math.sin(math.pi * cutoff_hz / fps) ** 2
    return math.sqrt(rise * (rise + 2)) - rise


def _butterworth(cycles_per_frame: float) -> LowPass:
    k = math.tan(math.pi * cycles_per_frame)
    return LowPass(k / (1 + k), k / (1 + k))
