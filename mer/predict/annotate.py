"""The annotated video: box, label and probability, the spotting curve, and the movement magnified."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mer.frames import Image
from mer.predict.frames import FrameStream
from mer.predict.letters import BLUE, ORANGE, write_text
from mer.predict.results import Movement, Prediction
from mer.predict.spotting import OnFrame
from mer.predict.strip import Strip, captioned, draw_curve, draw_pictures, strip_below
from mer.video_writer import video_writer

_LINGER_S = 1.0  # a label is read slower than a movement passes
_LABEL_HEIGHT = 600  # px of a frame on which the label has OpenCV's own size
_SMALLEST_LETTERS = 0.45
_LABEL_PX = 34  # height of a line at that size, with its margins


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
    strip = _strip(prediction)
    height = prediction.height_px + prediction.height_px % 2 + strip.height
    with video_writer(path, fps, strip.width, height) as writer:
        for frame in stream:
            writer.write(annotated(frame.image, frame.index, prediction, strip))
            on_frame(frame.index + 1, prediction.n_frames)


def annotated(image: Image, index: int, prediction: Prediction, strip: Strip | None = None) -> Image:
    """One frame of the annotated video, BGR: the RGB frame ``(H, W, 3)``, and the strip below it."""
    height, width = image.shape[:2]
    strip = strip or _strip(prediction)
    canvas = np.zeros((height + height % 2 + strip.height, strip.width, 3), np.uint8)
    canvas[:height, :width] = image[..., ::-1]
    shown = shown_movement(prediction.movements, float(prediction.spotting.seconds[index]))
    moving = shown is not None and shown.onset_frame <= index <= shown.offset_frame
    box = prediction.spotting.boxes_px[index]
    if not np.isnan(box[0]):
        _draw_box(canvas[:height], box, ORANGE if moving else BLUE)
    if shown is not None:
        _draw_label(canvas[:height], shown)
    below = canvas[-strip.height :]
    draw_curve(below[: strip.curve[1], : strip.curve[0]], prediction, index)
    if shown is not None and shown.pictures is not None:
        draw_pictures(below, strip, shown.pictures)
    return canvas


def shown_movement(movements: Sequence[Movement], seconds: float) -> Movement | None:
    """The last movement that began before ``seconds`` and is not yet over, or only just."""
    begun = [one for one in movements if one.onset_s <= seconds]
    last = begun[-1] if begun else None
    return last if last is not None and seconds <= max(last.offset_s, last.onset_s + _LINGER_S) else None


def _strip(prediction: Prediction) -> Strip:
    counts = (len(captioned(one.pictures)) for one in prediction.movements if one.pictures is not None)
    return strip_below(prediction.width_px, prediction.height_px, max(counts, default=0))


def _draw_box(frame: Image, box: NDArray[np.float32], colour: tuple[int, int, int]) -> None:
    left, top, right, bottom = (int(side) for side in np.rint(box))
    cv2.rectangle(frame, (left, top), (right, bottom), colour, max(1, frame.shape[0] // 240))


def _draw_label(frame: Image, movement: Movement) -> None:
    """At the frame's upper edge; at the lower one where only there it is clear of the face."""
    scale = max(_SMALLEST_LETTERS, frame.shape[0] / _LABEL_HEIGHT)
    line_px = _LABEL_PX * scale
    box = movement.box_px
    at_bottom = box is not None and box[1] < line_px and box[3] <= frame.shape[0] - line_px
    write_text(frame, f"{movement.label} {movement.probabilities[movement.label]:.2f}", scale, at_bottom)
