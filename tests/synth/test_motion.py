"""A clip's movement: as long as asked, still at onset, with a blink only when asked for."""

import numpy as np
import pytest

from mer.synth.canvas import base_layers
from mer.synth.motion import Motion, distractor_field, head_fields, make_course, make_motion
from mer.synth.pose import Pose, transform
from mer.synth.settings import Settings

SHAPE = (480, 640)
LANDMARKS = transform(base_layers().landmarks, Pose(0.9, 0.0, (0.0, 0.0)).affine(SHAPE))


def motion_of(seed: int, **choices: object) -> Motion:
    settings, rng = Settings(**choices), np.random.default_rng(seed)  # type: ignore[arg-type]
    return make_motion(LANDMARKS, {12: (1.0, 1.0)}, 0.8, make_course(settings, 200, rng), 200, settings, rng)


def test_durations_lie_in_the_range_asked_for() -> None:
    courses = [make_course(Settings(), 200, np.random.default_rng(seed)) for seed in range(60)]
    frames = [course.frames for course in courses]
    assert 9 <= min(frames) <= 12
    assert 37 <= max(frames) <= 41
    assert all(0 < course.apex < course.frames - 1 for course in courses)


def test_onset_is_still_also_with_frames_before_it() -> None:
    motion = motion_of(0, extra_frames=3, blinks=1.0)
    assert motion.onset == 3
    assert not motion.flow(3).any()
    assert motion.flow(0).any()
    assert not motion.weights[:4, 0].any()


def test_expression_alone_peaks_at_the_apex_as_strong_as_asked() -> None:
    motion = motion_of(1, drift_px=0.0, distractor_px=0.0)
    peaks = [np.hypot(*motion.flow(index)).max() for index in range(len(motion.weights))]
    assert int(np.argmax(peaks)) == motion.apex
    assert max(peaks) == pytest.approx(0.8, rel=1e-4)


def test_blink_is_there_when_asked_for_and_only_then() -> None:
    assert motion_of(2).fields.shape[0] == 7
    motion = motion_of(2, blinks=1.0, duration_s=(0.15, 0.15))
    assert motion.fields.shape[0] == 8
    closed = np.nonzero(motion.weights[:, 7])[0]
    assert len(closed) >= 5
    assert (np.diff(closed) == 1).all()
    assert closed[0] > motion.onset


def test_blink_fits_the_shortest_clip() -> None:
    motion = motion_of(3, blinks=1.0, duration_s=(0.015, 0.015))
    assert len(motion.weights) == 4
    assert motion.weights[1:, 7].max() > 0


def test_head_moves_as_one_before_a_still_background() -> None:
    right, down, *_ = head_fields(LANDMARKS, SHAPE)
    x, y = np.round(LANDMARKS).astype(int).T
    np.testing.assert_allclose(right[0][y, x], 1, atol=0.05)
    np.testing.assert_allclose(down[1][y, x], 1, atol=0.05)
    assert not right[:, :, 0].any()


def test_distractor_is_as_strong_as_asked() -> None:
    field = distractor_field(LANDMARKS, 0.4, np.random.default_rng(0), SHAPE)
    assert np.hypot(*field).max() == pytest.approx(0.4, rel=1e-2)
