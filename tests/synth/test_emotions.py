"""Every subject shows the leading emotions first; many clips come in the real data's proportions."""

import numpy as np
import pytest

from mer.synth import casme2, samm, smic
from mer.synth.action_units import ACTION_UNITS
from mer.synth.emotions import Emotion, draw_units, emotion_order

ALL = [casme2.EMOTIONS, smic.EMOTIONS, samm.EMOTIONS]


@pytest.mark.parametrize("emotions", ALL)
def test_subject_shows_every_emotion_in_its_first_clips_the_leading_ones_first(emotions: dict[str, Emotion]) -> None:
    orders = [emotion_order(emotions, 20, np.random.default_rng(seed)) for seed in range(20)]
    leading = {name for name, emotion in emotions.items() if emotion.is_leading}
    assert len(leading) == 3
    assert all(set(order[:3]) == leading for order in orders)
    assert all(set(order[: len(emotions)]) == set(emotions) for order in orders)
    assert len({tuple(sorted(order)) for order in orders}) > 1


@pytest.mark.parametrize("emotions", ALL)
def test_more_clips_leave_the_first_ones_alone(emotions: dict[str, Emotion]) -> None:
    few, many = (emotion_order(emotions, clips, np.random.default_rng(0)) for clips in (4, 30))
    assert many[:4] == few


def test_many_clips_come_in_the_proportions_of_the_real_sheet() -> None:
    orders = [emotion_order(casme2.EMOTIONS, 60, np.random.default_rng(seed))[5:] for seed in range(60)]
    names = np.concatenate(orders)
    real = {name: emotion.clips / 246 for name, emotion in casme2.EMOTIONS.items()}
    assert {name: float((names == name).mean()) for name in real} == pytest.approx(real, abs=0.06)


def test_every_combination_can_be_shown() -> None:
    combinations = {units for emotions in ALL for emotion in emotions.values() for units in emotion.combinations}
    assert {unit for units in combinations for unit in units} <= set(ACTION_UNITS)
    assert draw_units(Emotion(((6, 12),), 1).combinations, np.random.default_rng(0)) == (6, 12)
