"""Colours of the annotated video, and text that can be read on any of its frames."""

import cv2

from mer.frames import Image

BLUE, ORANGE, GREY, WHITE, DARK = (
    (178, 114, 0),
    (0, 94, 213),
    (150, 150, 150),
    (255, 255, 255),
    (32, 32, 32),
)  # BGR
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_MARGIN_PX = 4


def write_text(area: Image, text: str, scale: float, at_bottom: bool = False) -> None:
    """Write a line into the upper left corner of ``area``, BGR, or into the lower one; smaller where it is too wide.

    Args:
        area: is drawn on.
        text: letters other than ASCII become question marks: the font has no others.
        scale: of the font's own size, at which capitals are 21 px high.
        at_bottom: the lower corner.
    """
    shown = text.encode("ascii", "replace").decode()
    room = area.shape[1] - 2 * _MARGIN_PX
    (width, height), below = cv2.getTextSize(shown, _FONT, scale, 1)
    if width > room:
        scale *= room / width
        (_, height), below = cv2.getTextSize(shown, _FONT, scale, 1)
    base = area.shape[0] - below - _MARGIN_PX if at_bottom else height + _MARGIN_PX
    # A dark edge from shifted copies: OpenCV 5 makes the letters of a thicker pen wider, too.
    for colour, right, down in ((DARK, -1, 0), (DARK, 1, 0), (DARK, 0, -1), (DARK, 0, 1), (WHITE, 0, 0)):
        place = (_MARGIN_PX + right, base + down)
        cv2.putText(area, shown, place, _FONT, scale, colour, 1, cv2.LINE_AA)
