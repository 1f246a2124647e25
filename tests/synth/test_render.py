"""Rendering moves a face by exactly the flow it is given."""

import cv2
import numpy as np
import pytest

from mer.synth.grid import pixel_grid
from mer.synth.pose import Pose
from mer.synth.render import camera, encode_jpeg, enlarge, source_positions, warp_neutral


def test_source_positions_undo_the_flow() -> None:
    x, y = pixel_grid((120, 160))
    flow = np.stack([1.4 * np.sin(y / 20), 1.1 * np.cos(x / 25)]).astype(np.float32)
    source_x, source_y = source_positions(flow)
    arrived_x = source_x + 1.4 * np.sin(source_y / 20)
    arrived_y = source_y + 1.1 * np.cos(source_x / 25)
    inner = (slice(5, -5), slice(5, -5))
    np.testing.assert_allclose(arrived_x[inner], x[inner], atol=3e-3)
    np.testing.assert_allclose(arrived_y[inner], y[inner], atol=3e-3)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.37, 1.5])
def test_ramp_moves_by_the_shift_without_bias(shift: float) -> None:
    x, y = pixel_grid((40, 60))
    ramp = np.repeat((2 * x + y)[..., None], 3, axis=2)
    flow = np.stack([np.full_like(x, shift), np.full_like(x, -shift)])
    moved = warp_neutral(enlarge(ramp), flow)
    # The image's end is left out. OpenCV 4 samples in steps of 1/32 px of the enlarged image.
    np.testing.assert_allclose(moved[3:-3, 3:-3], (ramp - 2 * shift + shift)[3:-3, 3:-3], atol=3 / 64)


def test_pose_places_the_canvas_in_the_frame() -> None:
    canvas_x, canvas_y = pixel_grid((640, 850))
    affine = Pose(0.9, 0.1, (0.02, 0.0)).affine((240, 320))
    back_x, back_y = (
        warp_neutral(enlarge(grid), np.zeros((2, 240, 320), np.float32), affine) for grid in (canvas_x, canvas_y)
    )
    found = np.stack([back_x, back_y], -1)[50:200, 60:260] @ affine[:, :2].T + affine[:, 2]
    np.testing.assert_allclose(found, np.stack(pixel_grid((240, 320)), -1)[50:200, 60:260], atol=0.03)


def test_camera_noise_has_the_size_asked_for() -> None:
    image = np.full((200, 200, 3), 128.25, np.float32)
    noise = camera(image, 3.0, np.random.default_rng(0))[..., 0] - 128.25
    assert noise.std() == pytest.approx(3.0, rel=0.02)
    assert noise.mean() == pytest.approx(0.0, abs=0.05)


def test_camera_makes_grey_frames_of_a_grey_face() -> None:
    image = np.full((20, 30), 128, np.float32)
    jpeg = encode_jpeg(camera(image, 3.0, np.random.default_rng(0)), 95)
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_UNCHANGED).shape == (20, 30)


def test_camera_clips_instead_of_wrapping() -> None:
    dark = camera(np.zeros((50, 50, 3), np.float32), 4.0, np.random.default_rng(0))
    bright = camera(np.full((50, 50, 3), 255, np.float32), 4.0, np.random.default_rng(0))
    assert (dark == 0).mean() > 0.4
    assert bright.min() > 200


def test_lower_quality_makes_smaller_files() -> None:
    image = camera(np.full((50, 50, 3), 128, np.float32), 9.0, np.random.default_rng(0))
    assert len(encode_jpeg(image, 60)) < len(encode_jpeg(image, 95))
