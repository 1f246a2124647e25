"""Flow of made-up faces: what moves, where, and that nothing else decides."""

import numpy as np
import pytest

from mer.errors import MerError
from mer.synth.flows import CLASS_UNITS, Crop, Disturbances, synthetic_flows

STILL = Disturbances(noise=(0.0, 0.0), head=(0.0, 0.0), distractor=(0.0, 0.0), blinks=0.0)
SIZE = 28


def flows(classes=("happiness",), clips=20, size=SIZE, seed=0, crop=None, disturbances=STILL):
    return synthetic_flows(classes, clips, size, seed, crop or Crop(), disturbances)


def test_the_longest_vector_of_the_action_units_is_about_one_px():
    made, _ = flows(("surprise", "happiness", "disgust"))
    longest = np.sqrt((made**2).sum(1)).max((1, 2))
    assert (longest <= 1.0001).all()  # a px of the result is the mean of nine places of the field
    assert (longest > 0.6).all()


def test_smiles_move_the_lower_face_up_and_surprise_the_upper():
    smiles, _ = flows()
    brows, _ = synthetic_flows(["surprise"], 20, SIZE, 0, Crop(), STILL)
    eyes = round(0.35 * SIZE)

    def share_below(field):
        length = np.sqrt((field**2).sum(1))
        return length[:, eyes:].sum((1, 2)) / length.sum((1, 2))

    assert (share_below(smiles) > 0.8).all()
    assert np.median(share_below(brows)) < 0.4
    assert all(field[1].flat[np.abs(field[1]).argmax()] < 0 for field in smiles)  # v is down


def test_the_corners_of_a_smile_part():
    made, _ = flows()
    u = made[:, 0]
    left, right = u[:, :, : SIZE // 2], u[:, :, SIZE // 2 :]
    assert (left.sum((1, 2)) < 0).sum() >= 18
    assert (right.sum((1, 2)) > 0).sum() >= 18


def test_a_tighter_crop_shows_the_movement_larger():
    wide, close = (np.abs(flows(crop=Crop(distance))[0]) > 0.3 for distance in (0.3, 0.6))
    assert close.sum() > 1.5 * wide.sum()


def test_the_eye_line_and_the_aspect_say_where_the_brows_are():
    def height(crop):
        made, _ = synthetic_flows(["surprise"], 40, SIZE, 0, crop, STILL)
        rows = np.sqrt((made**2).sum(1)).sum((0, 2))
        return float((rows * np.arange(SIZE)).sum() / rows.sum())

    assert height(Crop(0.42, 0.5)) - height(Crop(0.42, 0.35)) == pytest.approx(0.15 * SIZE, abs=1.5)
    assert height(Crop(0.42, 0.5, 2.0)) > height(Crop(0.42, 0.5, 1.0)) + 1  # nearer to the eye line


def test_each_disturbance_adds_movement_of_its_own():
    still, _ = flows(clips=5)
    for name, value in {"noise": (0.5, 0.5), "head": (0.6, 0.6), "distractor": (0.5, 0.5), "blinks": 1.0}.items():
        more, _ = flows(clips=5, disturbances=Disturbances(**{**vars(STILL), name: value}))
        assert np.abs(more[0] - still[0]).max() > 0.02, name


def test_the_classes_come_evenly_and_by_the_seed():
    _, numbers = flows(("negative", "positive", "surprise"), 300)
    assert np.bincount(numbers).min() > 75
    again, other = (flows(("negative", "positive"), 6, seed=seed)[0] for seed in (0, 1))
    assert np.array_equal(again, flows(("negative", "positive"), 6)[0])
    assert not np.array_equal(again, other)


def test_every_class_of_the_label_schemes_papers_use_has_action_units():
    assert {"negative", "positive", "surprise", "disgust", "repression", "happiness", "others"} <= set(CLASS_UNITS)


def test_a_class_without_known_action_units_is_refused():
    with pytest.raises(MerError, match="tense"):
        flows(("happiness", "tense"))
