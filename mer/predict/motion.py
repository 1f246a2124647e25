"""How far brows and mouth move away and come back, from the flow of one window of crops."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mer.align.landmarks import Points
from mer.apex.interval import spot_interval
from mer.apex.motion import cell_flows, cells_in, without_head
from mer.apex.peaks import local_peaks, smooth_in_time
from mer.apex.regions import BROWS_AND_MOUTH, EYES_AND_NOSE, Region, boxes_of
from mer.errors import MerError

REACH_S = 0.3  # from an apex to the frames before and after it that it is compared with
_PERCENTILE = 90  # as FlowPeak: few cells move
_SMOOTHING_S = 0.02
_EYELIDS = (
    Region(tuple(range(36, 42)), (0.1, 0.4), (0.15, 0.30, 0.40, 0.40)),
    Region(tuple(range(42, 48)), (0.1, 0.4), (0.60, 0.30, 0.85, 0.40)),
)

Floats = NDArray[np.float32]


class Peak(NamedTuple):
    """A movement away from rest and back.

    Attributes:
        onset_s, apex_s, offset_s: times in s.
        height_px: of the curve at the apex.
        eyes_px: the same of the eyelids: a blink moves them much further than brows and mouth.
    """

    onset_s: float
    apex_s: float
    offset_s: float
    height_px: float
    eyes_px: float


@dataclass(frozen=True)
class WindowCurve:
    """What one window tells: the times ``(n,)`` in s, the curve there in px of its crops, the curve's peaks."""

    seconds: NDArray[np.float64]
    curve_px: Floats
    peaks: tuple[Peak, ...]


def window_curve(crops: NDArray[np.uint8], seconds: NDArray[np.float64], points_px: Points, flow: str) -> WindowCurve:
    """The curve of a window and its peaks; nothing where it is shorter than twice ``REACH_S``.

    Args:
        crops: grey ``(T, S, S)``, all by one transform.
        seconds: their times ``(T,)``, rising; steps may differ.
        points_px: landmarks ``(68, 2)`` of the first crop.
        flow: method, see ``build_flow``.
    """
    step_s = float(np.median(np.diff(seconds))) if len(seconds) > 1 else np.inf
    reach = round(REACH_S / step_s)
    if reach < 2 or seconds[-1] - seconds[0] < 2 * REACH_S + 2 * step_s:
        return WindowCurve(np.zeros(0), np.zeros(0, np.float32), ())
    flows = without_head(cell_flows(crops, flow), EYES_AND_NOSE.box(points_px, crops.shape[1]))
    even_s = np.arange(seconds[0], seconds[-1] + step_s / 2, step_s)
    moved, eyes_moved = (
        at_times(flows.reshape(*flows.shape[:2], -1)[:, :, cells_in(boxes, flows.shape[2:])], seconds, even_s)
        for boxes in (boxes_of(regions, points_px, crops.shape[1]) for regions in (BROWS_AND_MOUTH, _EYELIDS))
    )
    curve, eyes = (smooth_in_time(departure(one, reach), _SMOOTHING_S / step_s) for one in (moved, eyes_moved))
    spotted = [(int(at) + reach, float(curve[at]), float(eyes[at])) for at in local_peaks(curve)]
    intervals = [(_interval(moved, even_s, apex, reach), height, lids) for apex, height, lids in spotted]
    peaks = tuple(Peak(*interval, height, lids) for interval, height, lids in intervals if interval is not None)
    return WindowCurve(even_s[reach : len(moved) - reach], np.asarray(curve, np.float32), peaks)


def departure(moved: Floats, reach: int) -> Floats:
    """How far each frame is from what ``reach`` frames before and after it have in common, ``(T - 2 reach,)``, px.

    ``min over r of P90_cells |F_t - r|`` with r the displacement before, after, and their mean. What goes and comes
    back differs from all three; what goes and stays does not differ from one side; a steady drift does not differ from
    the mean; nor does rest beside a movement differ from the side where there is none.

    Contrast with frames on both sides is Moilanen, Zhao and Pietikainen's (ICPR 2014, doi 10.1109/ICPR.2014.303).

    Args:
        moved: displacement ``(T, 2, n)`` of n cells since the first frame, px.
        reach: frames to either side.
    """
    here, before, after = moved[reach:-reach], moved[: -2 * reach], moved[2 * reach :]
    mean = np.asarray((before + after) / 2, np.float32)
    return np.asarray(np.min([lengths_px(here - other) for other in (before, after, mean)], axis=0), np.float32)


def lengths_px(moved: Floats) -> Floats:
    """Length ``(T,)`` that a tenth of the cells of ``(T, 2, n)`` exceed, px."""
    return np.asarray(np.percentile(np.linalg.norm(moved, axis=1), _PERCENTILE, axis=1), np.float32)


def at_times(values: Floats, seconds: NDArray[np.float64], wanted_s: NDArray[np.float64]) -> Floats:
    """``values`` ``(T, ...)`` at ``seconds`` ``(T,)``, linear between them, at the times ``wanted_s``."""
    right = np.clip(np.searchsorted(seconds, wanted_s), 1, len(seconds) - 1)
    share = np.clip((wanted_s - seconds[right - 1]) / (seconds[right] - seconds[right - 1]), 0, 1)
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(values[right - 1] * (1 - share) + values[right] * share, np.float32)


def _interval(moved: Floats, seconds: NDArray[np.float64], apex: int, reach: int) -> tuple[float, float, float] | None:
    """Onset, apex and offset, s, about the frame ``apex`` by the distance from the line from before to after it."""
    around = moved[apex - reach : apex + reach + 1]
    share = np.linspace(0, 1, len(around), dtype=np.float32)[:, None, None]
    away = lengths_px(around - (around[0] * (1 - share) + around[-1] * share))
    try:
        found = spot_interval(away, 1 / float(seconds[1] - seconds[0]), longest_s=REACH_S, smoothing_s=_SMOOTHING_S)
    except MerError:  # no rise: nothing moves there and back
        return None
    onset, top, offset = (float(seconds[apex - reach + at]) for at in found)
    return onset, top, offset
