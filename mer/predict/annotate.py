"""The annotated video: box, label and probability, the spotting curve, and the movement magnified."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.frames import Image
from mer.predict.frames import FrameStream
from mer.predict.results import Movement, Prediction
from mer.predict.spotting import OnFrame
from mer.video_writer import video_writer

_BLUE, _ORANGE, _GREY, _WHITE, _DARK = (
    (178, 114, 0),
    (0, 94, 213),
    (150, 150, 150),
    (255, 255, 255),
    (32, 32, 32),
)  # BGR
_SMALLEST_STRIP_PX = 72
_STRIP_SHARE = 5  # of the frame's height, one part
_BEFORE_S, _AFTER_S = 15.0, 5.0  # of the curve, about the frame that is shown
_LINGER_S = 1.0  # a label is read slower than a movement passes


@dataclass(frozen=True)
class _Strip:
    """What stands below the frame: the curve, and right of it the pictures of a movement.

    Attributes:
        width, height: px.
        plot: width of the curve's part.
    """

    width: int
    height: int
    plot: int


def write_annotated(
    stream: FrameStream, prediction: Prediction, path: Path, on_frame: OnFrame = lambda done, total: None
) -> None:
    """Write the annotated video (mp4) at a constant frame rate, the prediction's median one; whole or not at all.

    Args:
        stream: the video that ``prediction`` is of, run through once more.
        prediction: with pictures of its movements.
        path: of the mp4.
        on_frame: told how many frames are written, of how many.

    Raises:
        MerError: the folder cannot be written, or a frame cannot be read again.
    """
    fps = prediction.fps if np.isfinite(prediction.fps) else stream.fps
    strip = _strip(prediction.width_px, prediction.height_px)
    height = prediction.height_px + prediction.height_px % 2 + strip.height
    with video_writer(path, fps, strip.width, height) as writer:
        for frame in stream:
            writer.write(annotated(frame.image, frame.index, prediction, strip))
            on_frame(frame.index + 1, prediction.n_frames)


def annotated(image: Image, index: int, prediction: Prediction, strip: _Strip | None = None) -> Image:
    """One frame of the annotated video, BGR: the RGB frame ``(H, W, 3)``, and the strip below it."""
    height, width = image.shape[:2]
    strip = strip or _strip(width, height)
    canvas = np.zeros((height + height % 2 + strip.height, strip.width, 3), np.uint8)
    canvas[:height, :width] = image[..., ::-1]
    shown = shown_movement(prediction.movements, float(prediction.spotting.seconds[index]))
    moving = shown is not None and shown.onset_frame <= index <= shown.offset_frame
    box = prediction.spotting.boxes_px[index]
    if not np.isnan(box[0]):
        _draw_box(canvas[:height], box, _ORANGE if moving else _BLUE)
    if shown is not None:
        _draw_label(canvas[:height], shown)
    below = canvas[-strip.height :]
    _draw_curve(below[:, : strip.plot], prediction, index)
    if shown is not None and shown.pictures is not None and strip.plot < strip.width:
        pictures = (shown.pictures.onset, shown.pictures.magnified)
        _draw_pictures(below[:, strip.plot :], pictures, strip.height)
    return canvas


def shown_movement(movements: Sequence[Movement], seconds: float) -> Movement | None:
    """The last movement that began before ``seconds`` and is not yet over, or only just."""
    begun = [one for one in movements if one.onset_s <= seconds]
    last = begun[-1] if begun else None
    return last if last is not None and seconds <= max(last.offset_s, last.onset_s + _LINGER_S) else None


def _strip(width_px: int, height_px: int) -> _Strip:
    width = width_px + width_px % 2
    height = max(_SMALLEST_STRIP_PX, height_px // _STRIP_SHARE)
    height += height % 2
    has_room = width >= 3 * height
    return _Strip(width, height, width - 2 * height if has_room else width)


def _draw_box(frame: Image, box: NDArray[np.float32], colour: tuple[int, int, int]) -> None:
    left, top, right, bottom = (int(side) for side in np.rint(box))
    cv2.rectangle(frame, (left, top), (right, bottom), colour, max(1, frame.shape[0] // 240))


def _draw_label(frame: Image, movement: Movement) -> None:
    # Right of the box there may be no room: the frame's upper edge is always there.
    text = f"{movement.label} {movement.probabilities[movement.label]:.2f}".encode("ascii", "replace").decode()
    scale = max(0.4, frame.shape[0] / 600)
    left, base = 8, int(28 * scale) + 4
    # A dark edge from shifted copies: OpenCV 5 makes the letters of a thicker pen wider, too.
    for colour, right, down in ((_DARK, -1, 0), (_DARK, 1, 0), (_DARK, 0, -1), (_DARK, 0, 1), (_WHITE, 0, 0)):
        place = (left + right, base + down)
        cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)


def _draw_curve(area: Image, prediction: Prediction, index: int) -> None:
    """The curve about frame ``index``: movements shaded, the threshold, a line at the frame."""
    spotting = prediction.spotting
    height, width = map(int, area.shape[:2])
    now = float(spotting.seconds[index])
    highest = 1.1 * max(2 * spotting.threshold_px, float(spotting.curve_px.max(initial=0.0)))

    def column(seconds: float) -> int:
        return round((seconds - now + _BEFORE_S) / (_BEFORE_S + _AFTER_S) * (width - 1))

    def row(value_px: float) -> int:
        return round((height - 1) * (1 - value_px / highest))

    for one in prediction.movements:
        if one.offset_s >= now - _BEFORE_S and one.onset_s <= now + _AFTER_S:
            cv2.rectangle(area, (column(one.onset_s), 0), (column(one.offset_s), height - 1), _DARK, cv2.FILLED)
            cv2.line(area, (column(one.apex_s), 0), (column(one.apex_s), height - 1), _ORANGE)
    cv2.line(area, (0, row(spotting.threshold_px)), (width - 1, row(spotting.threshold_px)), _GREY)
    first, last = np.searchsorted(spotting.curve_s, (now - _BEFORE_S, now + _AFTER_S))
    points = [
        (column(at), row(value))
        for at, value in zip(spotting.curve_s[first:last], spotting.curve_px[first:last], strict=True)
    ]
    if points:
        cv2.polylines(area, [np.array(points, np.int32)], False, _WHITE)
    cv2.line(area, (column(now), 0), (column(now), height - 1), _BLUE)


def _draw_pictures(area: Image, pictures: Sequence[Image], side: int) -> None:
    for number, picture in enumerate(pictures):
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        area[:, number * side : (number + 1) * side] = small[..., ::-1]
