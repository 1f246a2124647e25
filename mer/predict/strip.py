"""What stands below the annotated video's frame: the spotting curve, and the pictures of a movement."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from mer.frames import Image
from mer.predict.letters import BLUE, DARK, GREY, ORANGE, WHITE, write_text
from mer.predict.results import Pictures, Prediction

_SMALLEST_PICTURE_PX, _SMALLEST_CURVE_PX = 72, 48
_PICTURE_SHARE, _LARGEST_SHARE, _CURVE_SHARE = 5, 4, 8  # of the frame's height, one part
_LEAST_CURVE = 0.4  # of the width, where pictures stand beside the curve
_BEFORE_S, _AFTER_S = 15.0, 5.0  # of the curve, about the frame that is shown
_LETTERS = 320  # px of a picture's side at which its caption has OpenCV's own size
_SMALLEST_LETTERS = 0.3


@dataclass(frozen=True)
class Strip:
    """Where things stand below the frame, px.

    Attributes:
        width, height: of all of it, even as video codecs want it.
        curve: (width, height) of the curve, from the upper left corner on.
        pictures: (left, top) of the first picture.
        side: of each picture.
    """

    width: int
    height: int
    curve: tuple[int, int]
    pictures: tuple[int, int]
    side: int


def strip_below(width_px: int, height_px: int, n_pictures: int) -> Strip:
    """Pictures right of the curve where that leaves it 2 / 5 of the width, else below it, as wide as there is room."""
    width = _even(width_px)
    side = _even(max(_SMALLEST_PICTURE_PX, height_px // _PICTURE_SHARE))
    left = width - n_pictures * side
    if left >= _LEAST_CURVE * width:
        return Strip(width, side, (left, side), (left, 0), side)
    curve_px = _even(max(_SMALLEST_CURVE_PX, height_px // _CURVE_SHARE))
    side = min(width // n_pictures, max(side, height_px // _LARGEST_SHARE))
    return Strip(width, curve_px + _even(side), (width, curve_px), (0, curve_px), side)


def captioned(pictures: Pictures) -> Mapping[str, Image]:
    """The pictures that there are, by caption."""
    told = {"onset": pictures.onset, "magnified": pictures.magnified, "Grad-CAM": pictures.grad_cam}
    return {caption: picture for caption, picture in told.items() if picture is not None}


def draw_pictures(area: Image, strip: Strip, pictures: Pictures) -> None:
    """Draw them side by side into ``area``, BGR, each with its caption."""
    left, top = strip.pictures
    for number, (caption, picture) in enumerate(captioned(pictures).items()):
        place = area[top : top + strip.side, left + number * strip.side :][:, : strip.side]
        place[:] = cv2.resize(picture, (strip.side, strip.side), interpolation=cv2.INTER_AREA)[..., ::-1]
        write_text(place, caption, max(_SMALLEST_LETTERS, strip.side / _LETTERS))


def draw_curve(area: Image, prediction: Prediction, index: int) -> None:
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
            cv2.rectangle(area, (column(one.onset_s), 0), (column(one.offset_s), height - 1), DARK, cv2.FILLED)
            cv2.line(area, (column(one.apex_s), 0), (column(one.apex_s), height - 1), ORANGE)
    cv2.line(area, (0, row(spotting.threshold_px)), (width - 1, row(spotting.threshold_px)), GREY)
    first, last = np.searchsorted(spotting.curve_s, (now - _BEFORE_S, now + _AFTER_S))
    points = [
        (column(at), row(value))
        for at, value in zip(spotting.curve_s[first:last], spotting.curve_px[first:last], strict=True)
    ]
    if points:
        cv2.polylines(area, [np.array(points, np.int32)], False, WHITE)
    cv2.line(area, (column(now), 0), (column(now), height - 1), BLUE)


def _even(px: int) -> int:
    return px + px % 2
