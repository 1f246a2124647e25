"""A picture to check alignment by eye: a row a clip, its onset frame, its crop, its jitter."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mer.align.crop import Aligner, ClipTransform
from mer.align.jitter import residual_jitter_px
from mer.align.landmarks import FoundLandmarks, Points
from mer.errors import MerError
from mer.files import atomic_file
from mer.frames import Image

_HEIGHT_PX = 320
_CAPTION_PX = 28
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_DOT_RGB, _TEXT_RGB = (0, 255, 0), (255, 255, 255)


@dataclass(frozen=True)
class SheetRow:
    """What a row shows.

    Attributes:
        name: of the clip.
        onset: RGB onset frame ``(H, W, 3)``.
        points_px: ``(68, 2)`` on the onset frame.
        transform: the clip's, with the landmarks in crop px.
        jitter_px: residual jitter of its crops.
        remark: shown behind the jitter.
    """

    name: str
    onset: Image
    points_px: Points
    transform: ClipTransform
    jitter_px: float
    remark: str = ""


def sheet_row(name: str, frames: Sequence[Image], found: FoundLandmarks, aligner: Aligner) -> SheetRow:
    """A clip's row from its RGB frames ``(H, W, 3)``, onset first, and the landmarks found on the onset frame.

    Raises:
        MerError: the landmarks make no crop, or the crops cannot be compared.
    """
    onset = frames[0]
    transform = aligner.transform(found.points_px, (onset.shape[0], onset.shape[1]))
    jitter_px = residual_jitter_px([transform.apply(frame) for frame in frames])
    return SheetRow(name, onset, found.points_px, transform, jitter_px, found.remark)


def contact_sheet(rows: Sequence[SheetRow]) -> Image:
    """RGB image ``(H, W, 3)`` of all rows, one below the other.

    Raises:
        MerError: there are no rows.
    """
    if not rows:
        raise MerError("one clip or more for a contact sheet", "none", "give clips with a face")
    drawn = [_draw(row) for row in rows]
    width = max(row.shape[1] for row in drawn)
    return np.concatenate([np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in drawn])


def write_contact_sheet(rows: Sequence[SheetRow], file: str | Path) -> None:
    """Write ``contact_sheet(rows)`` as PNG.

    Raises:
        MerError: there are no rows, or the file cannot be written.
    """
    data = cv2.imencode(".png", cv2.cvtColor(contact_sheet(rows), cv2.COLOR_RGB2BGR))[1]
    with atomic_file(Path(file)) as temporary:
        temporary.write_bytes(data.tobytes())


def _draw(row: SheetRow) -> Image:
    crop = row.transform.apply(row.onset)
    points = row.transform.landmarks_px
    images = [_with_points(row.onset, row.points_px), _with_points(crop, points)]
    pictures = np.concatenate(images, axis=1)
    caption = np.zeros((_CAPTION_PX, pictures.shape[1], 3), np.uint8)
    text = f"{row.name}  jitter {row.jitter_px:.2f} px" + (f"  ({row.remark})" if row.remark else "")
    cv2.putText(caption, text, (6, _CAPTION_PX - 9), _FONT, 0.5, _TEXT_RGB, 1, cv2.LINE_AA)
    return np.concatenate([caption, pictures])


def _with_points(image: Image, points_px: Points | None) -> Image:
    """The image at the row's height, with a dot a landmark; drawn large, so that a dot hides little."""
    scale = _HEIGHT_PX / image.shape[0]
    size = (round(scale * image.shape[1]), _HEIGHT_PX)
    drawn = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    for x, y in () if points_px is None else (points_px + 0.5) * scale - 0.5:
        cv2.circle(drawn, (round(float(x)), round(float(y))), 2, _DOT_RGB, -1, cv2.LINE_AA)
    return np.asarray(drawn, np.uint8)
