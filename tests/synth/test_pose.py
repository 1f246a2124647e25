"""Heads sit at different places of the frame, differently large and tilted."""

import numpy as np

from mer.synth.pose import HEAD_CENTRE, Pose, clip_pose, inverted, subject_pose, transform

SHAPE = (480, 640)


def test_head_comes_to_the_place_asked_for_at_the_size_asked_for() -> None:
    affine = Pose(0.8, 0.3, (0.1, -0.05)).affine(SHAPE)
    (centre,) = transform(np.array([HEAD_CENTRE], np.float32), affine)
    np.testing.assert_allclose(centre, (319.5 + 48, 239.5 - 24), atol=1e-3)
    assert np.sqrt(np.linalg.det(affine[:, :2])) == np.float32(0.8)


def test_frame_of_twice_the_size_holds_the_same_picture() -> None:
    pose, points = Pose(0.9, 0.1, (0.1, 0.0)), np.array([(300, 200), (500, 400)], np.float32)
    small, large = (transform(points, pose.affine(shape)) for shape in (SHAPE, (960, 1280)))
    np.testing.assert_allclose(large + 0.5, 2 * (small + 0.5), atol=1e-2)


def test_inverse_brings_points_back() -> None:
    affine = Pose(0.8, 0.3, (0.1, -0.05)).affine(SHAPE)
    points = np.array([(300, 200), (500, 400)], np.float32)
    np.testing.assert_allclose(transform(transform(points, affine), inverted(affine)), points, atol=1e-2)


def test_subjects_sit_differently_and_their_clips_nearly_alike() -> None:
    rng = np.random.default_rng(0)
    subjects = [subject_pose(rng, 1.0) for _ in range(30)]
    assert max(pose.size for pose in subjects) > 1.2 * min(pose.size for pose in subjects)
    assert np.ptp([pose.shift[0] for pose in subjects]) > 0.2
    clips = [clip_pose(subjects[0], rng, 1.0) for _ in range(30)]
    assert 0 < np.ptp([pose.shift[0] for pose in clips]) <= 0.05


def test_without_variation_all_sit_alike() -> None:
    rng = np.random.default_rng(0)
    poses = [clip_pose(subject_pose(rng, 0.0), rng, 0.0) for _ in range(2)]
    assert poses[0] == poses[1] == Pose(0.92, 0.0, (0.0, 0.0))
