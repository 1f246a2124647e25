"""The first pass over a video: where there is a face, and which movements it makes."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mer.align.landmarks import LandmarkSource
from mer.apex.interval import Interval
from mer.errors import MerError
from mer.predict.choose import Noise, SpotSettings, choose_peaks, noise_of, threshold_px
from mer.predict.face import Box, FaceWindow, find_face, overlap
from mer.predict.frames import FrameStream, TimedFrame
from mer.predict.motion import REACH_S, Peak, window_curve

_RETRY_S = 0.25  # between looks for a face where there was none
_SAME_FACE = 0.3  # overlap of a face's boxes on neighbouring looks
_LOWEST_FPS = 8.0  # below, less than three frames of a movement are seen
_SLOW_FPS = 25  # below, most of what is called a micro-expression is too short
_STEPS_SHARED = 6  # of two windows' curves, so that a peak at the end of one stands inside the other
_GAP_STEPS = 3  # a longer one between two times of the curve is a gap
_NO_BOX = np.full(4, np.nan, np.float32)

OnFrame = Callable[[int, int], None]


class FaceSpan(NamedTuple):
    """A stretch of frames [first_frame, last_frame] with one face, and their times in s."""

    first_frame: int
    last_frame: int
    first_s: float
    last_s: float


class SpottedMovement(NamedTuple):
    """A movement: its frames, and how far it stands out, in robust standard deviations of the curve."""

    interval: Interval
    score: float


@dataclass(frozen=True)
class Spotting:
    """What the first pass found.

    Attributes:
        seconds: ``(T,)`` time of each frame.
        boxes_px: ``(T, 4)`` the face's box on each frame, left, top, right, bottom; NaN where there is none.
        curve_s: ``(n,)`` times of the curve.
        curve_px: ``(n,)`` the curve.
        noise: of the curve.
        threshold_px: height from which on a peak counts.
        movements: in order of time.
        peaks: all of the curve's, from which these are chosen.
        shape: (height, width) of the frames.
        remarks: what to know of the video: that it is slow, or shows several faces, and since when.
    """

    seconds: NDArray[np.float64]
    boxes_px: NDArray[np.float32]
    curve_s: NDArray[np.float64]
    curve_px: NDArray[np.float32]
    noise: Noise
    threshold_px: float
    movements: tuple[SpottedMovement, ...]
    peaks: tuple[Peak, ...]
    shape: tuple[int, int]
    remarks: tuple[str, ...] = ()

    @property
    def fps(self) -> float:
        """Median frames a second."""
        return frame_rate(self.seconds)

    @property
    def watched_s(self) -> float:
        """Seconds that the curve tells of: the steps between its times, but for its gaps."""
        steps_s = np.diff(self.curve_s)
        return float(steps_s[steps_s <= _GAP_STEPS * np.median(steps_s)].sum()) if len(steps_s) else 0.0

    def face_spans(self) -> tuple[FaceSpan, ...]:
        """Stretches of frames in which one face is followed without a gap."""
        spans: list[list[int]] = []
        for at in np.flatnonzero(~np.isnan(self.boxes_px[:, 0])).tolist():
            if spans and spans[-1][-1] == at - 1 and self._same_face(at):
                spans[-1][-1] = at
            else:
                spans.append([at, at])
        return tuple(FaceSpan(*span, *(float(self.seconds[at]) for at in span)) for span in spans)

    def _same_face(self, at: int) -> bool:
        return overlap(self.boxes_px[at - 1], self.boxes_px[at]) >= _SAME_FACE


def spot(
    stream: FrameStream, source: LandmarkSource, settings: SpotSettings, on_frame: OnFrame = lambda done, total: None
) -> Spotting:
    """Find and follow the largest face, and spot its movements.

    Memory holds the crops of two windows, and of each frame its time and box.

    Args:
        stream: the video.
        source: finds landmarks; asked at each window's first frame.
        settings: what counts as a movement.
        on_frame: told how many frames are done, of how many.

    Raises:
        MerError: nothing can be read, too few frames a second, or ``source`` cannot work.
    """
    if stream.fps < _LOWEST_FPS:
        got = f"{stream.fps:g} in {stream.source}"
        raise MerError(f"{_LOWEST_FPS:g} frames a second or more", got, "film faster: a movement lasts 1/25 to 1/2 s")
    follower = _Follower(source, settings, stream.name, stream.fps)
    shape = (0, 0)
    for frame in stream:
        shape = (frame.image.shape[0], frame.image.shape[1])
        follower.see(frame)
        on_frame(frame.index + 1, max(stream.expected, frame.index + 1))
    return follower.result(shape)


def frame_rate(seconds: NDArray[np.float64]) -> float:
    """Median frames a second of frames at ``seconds`` ``(T,)``; NaN of one frame."""
    return 1 / float(np.median(np.diff(seconds))) if len(seconds) > 1 else float("nan")


def chosen_movements(
    peaks: Sequence[Peak], noise: Noise, settings: SpotSettings, seconds: NDArray[np.float64]
) -> tuple[SpottedMovement, ...]:
    """The movements among ``peaks`` under ``settings``, as frames at ``seconds`` ``(T,)``."""
    found = [_movement(peak, seconds, noise) for peak in choose_peaks(peaks, noise, settings)]
    return tuple(one for one in found if one is not None)


class _Follower:
    """Opens a window where a face is found and before the last one ends, closes it, and keeps what it tells."""

    def __init__(self, source: LandmarkSource, settings: SpotSettings, name: str, fps: float) -> None:
        self._source, self._settings, self._name = source, settings, name
        self._stride = max(1, round(fps / settings.fps))
        self._step_s = self._stride / fps
        self._windows: list[FaceWindow] = []
        self._waiting: dict[int, list[tuple[NDArray[np.uint8], float]]] = {}
        self._next_look_s = 0.0
        self._seconds, self._boxes = array("d"), array("f")
        self._remarks: dict[str, float] = {}
        self._curve_s: list[NDArray[np.float64]] = []
        self._curve_px: list[NDArray[np.float32]] = []
        self._peaks: list[Peak] = []

    def see(self, frame: TimedFrame) -> None:
        """Follow the face to ``frame``, or look for one."""
        box = self._follow(frame)
        if frame.seconds >= self._next_look_s and (box is None or self._is_due(frame.seconds)):
            box = self._look(frame, box)
        self._seconds.append(frame.seconds)
        self._boxes.extend((_NO_BOX if box is None else box).tolist())

    def result(self, shape: tuple[int, int]) -> Spotting:
        """Close what is open, and choose the movements."""
        for window in list(self._windows):
            self._close(window)
        curve_s, curve_px = np.concatenate([np.zeros(0), *self._curve_s]), _joined(self._curve_px)
        order = np.argsort(curve_s, kind="stable")
        noise = noise_of(curve_px)
        seconds, boxes = np.array(self._seconds), np.array(self._boxes, np.float32).reshape(-1, 4)
        return Spotting(
            seconds, boxes, curve_s[order], curve_px[order], noise, threshold_px(noise, self._settings),
            chosen_movements(self._peaks, noise, self._settings, seconds), tuple(self._peaks), shape,
            (*_slow(frame_rate(seconds)), *(f"{told}, first at {at:.1f} s" for told, at in self._remarks.items())),
        )  # fmt: skip

    def _follow(self, frame: TimedFrame) -> Box | None:
        """The box by the newest window that still sees its face; the others are closed."""
        box: Box | None = None
        for window in list(self._windows):
            crop = window.crop(frame.image)
            found = window.follow(crop)
            if found is None:
                self._close(window)
                continue
            box = found
            self._take(window, crop, frame.seconds)
            if frame.seconds - window.started_s >= self._settings.window_s:
                self._close(window)
        return box

    def _is_due(self, seconds: float) -> bool:
        """Whether a window must open, so that it has seen enough by the time the newest one ends."""
        overlap_s = 2 * REACH_S + _STEPS_SHARED * self._step_s
        newest = max((window.started_s for window in self._windows), default=-np.inf)
        return seconds - newest >= self._settings.window_s - overlap_s

    def _look(self, frame: TimedFrame, box: Box | None) -> Box | None:
        face = find_face(self._source, frame.image, self._name, frame.index)
        self._next_look_s = frame.seconds + _RETRY_S
        if face is None:
            return box
        if face.remark:
            self._remarks.setdefault(face.remark, frame.seconds)
        if box is not None and overlap(face.box_px, box) < _SAME_FACE:
            for window in list(self._windows):
                self._close(window)
        window = FaceWindow(face, frame.image, frame.seconds)
        self._windows.append(window)
        self._take(window, window.crop(frame.image), frame.seconds)
        return face.box_px

    def _take(self, window: FaceWindow, crop: NDArray[np.uint8], seconds: float) -> None:
        waiting = self._waiting.setdefault(id(window), [])
        waiting.append((crop, seconds))
        if len(waiting) == self._stride:
            window.add([one for one, _ in waiting], [at for _, at in waiting])
            waiting.clear()

    def _close(self, window: FaceWindow) -> None:
        self._windows.remove(window)
        self._waiting.pop(id(window), None)
        if not window.crops:
            return
        told = window_curve(
            np.stack(window.crops), np.array(window.seconds), window.points_px, self._settings.flow
        )  # fmt: skip
        # Two windows may both tell of the seconds that they share: the first one's word stands.
        known = max((part[-1] for part in self._curve_s if len(part)), default=-np.inf)
        new = told.seconds > known + self._step_s / 2  # the same moment, but for rounding, is no new one
        self._curve_s.append(told.seconds[new])
        self._curve_px.append(told.curve_px[new])
        self._peaks += [peak for peak in told.peaks if peak.apex_s > known - REACH_S]


def _movement(peak: Peak, seconds: NDArray[np.float64], noise: Noise) -> SpottedMovement | None:
    """The frames of a peak; None where they are not three."""
    onset, apex, offset = (int(np.abs(seconds - at).argmin()) for at in (peak.onset_s, peak.apex_s, peak.offset_s))
    if not onset < apex <= offset:
        return None
    return SpottedMovement(Interval(onset, apex, offset), noise.score(peak.height_px))


def _slow(fps: float) -> tuple[str, ...]:
    """What a low frame rate leaves unseen: a movement is three frames at least, so two steps long."""
    if np.isnan(fps) or round(fps) >= _SLOW_FPS:  # time stamps are not exact
        return ()
    return (f"{fps:.3g} frames a second: movements shorter than {2 / fps:.2g} s cannot be seen",)


def _joined(parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([np.zeros(0, np.float32), *parts])
