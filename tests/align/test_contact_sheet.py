"""The contact sheet shows a clip a row, with dots where the landmarks are."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mer.align import EyeCrop, FoundLandmarks
from mer.align.contact_sheet import SheetRow, contact_sheet, sheet_row, write_contact_sheet
from mer.errors import MerError
from tests.align.test_crop import FixedLandmarks
from tests.align.test_drift import face, texture
from tests.fakes import face_points

POINTS = face_points(1, centre_px=(112, 100), eyes_px=70)


@pytest.fixture(scope="module")
def row() -> SheetRow:
    base = texture()
    frames = [face(base, (shift, 0)) for shift in (0.0, 0.5, 1.0)]
    return sheet_row("sub01/EP01_01f", frames, FoundLandmarks(POINTS, "2 faces"), EyeCrop(FixedLandmarks(POINTS), 160))


def test_row_holds_the_jitter_in_px_of_the_crop(row: SheetRow) -> None:
    scale = float(np.sqrt(np.linalg.det(row.transform.matrix[:, :2])))
    assert row.jitter_px == pytest.approx(0.5 * scale, abs=0.02)
    assert row.remark == "2 faces"


def test_dots_lie_on_the_landmarks_of_onset_frame_and_crop(row: SheetRow) -> None:
    sheet = contact_sheet([row])
    caption = sheet.shape[0] - 320
    assert sheet.shape == (caption + 320, 640, 3)
    for points, scale, left in ((row.points_px, 320 / 224, 0), (row.transform.landmarks_px, 320 / 160, 320)):
        assert points is not None
        for x, y in np.round((points + 0.5) * scale - 0.5).astype(int):
            if 3 < x < 316 and 3 < y < 316:
                assert sheet[caption + y, left + x].tolist() == [0, 255, 0]


def test_rows_of_several_widths_lie_below_each_other(row: SheetRow) -> None:
    wide = SheetRow("wide", np.zeros((100, 300, 3), np.uint8), POINTS, row.transform, 0.0)
    one, other, both = (contact_sheet(rows).shape for rows in ([row], [wide], [row, wide]))
    assert both == (one[0] + other[0], max(one[1], other[1]), 3)


def test_file_is_a_png_of_the_sheet(row: SheetRow, tmp_path: Path) -> None:
    write_contact_sheet([row], tmp_path / "new" / "sheet.png")
    written = cv2.imread(str(tmp_path / "new" / "sheet.png"), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(written, contact_sheet([row]))


def test_sheet_of_no_clips_is_refused() -> None:
    with pytest.raises(MerError, match="one clip or more for a contact sheet"):
        contact_sheet([])
