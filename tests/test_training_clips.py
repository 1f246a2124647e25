"""Synthetic clips among the training clips of every fold, and in no test."""

import numpy as np
import pytest
import torch

from mer.errors import MerError
from mer.features.strain import optical_strain
from mer.flow import FlowMaps
from mer.protocols.folds import Fold
from mer.training_clips import RealClips, SyntheticFlow

CLASSES = ["negative", "positive", "surprise"]
FOLDS = [Fold(np.array([2, 3]), np.array([0, 1]), "a"), Fold(np.array([0, 1]), np.array([2, 3]), "b")]
TARGETS = torch.tensor([0, 1, 2, 0])


def real(strain=True, **more):
    generator = torch.Generator().manual_seed(0)
    flow = torch.rand(4, 2, 14, 14, generator=generator)
    return FlowMaps(flow, flow[:, :1] if strain else None, **more)


def test_every_fold_trains_on_them_too_and_is_tested_on_its_own_clips_alone():
    joined = SyntheticFlow(clips=5).join(CLASSES, real(), TARGETS, FOLDS)
    assert len(joined.maps) == len(joined.targets) == 9
    for before, after in zip(FOLDS, joined.folds, strict=True):
        assert after.train.tolist() == [*before.train, 4, 5, 6, 7, 8]
        assert np.array_equal(after.test, before.test)
        assert after.subject == before.subject
    assert torch.equal(joined.targets[:4], TARGETS)
    assert torch.equal(joined.maps.flow[:4], real().flow)


def test_the_same_whatever_the_real_clips_are():
    first = SyntheticFlow(clips=4).join(CLASSES, real(), TARGETS, FOLDS)
    others = FlowMaps(torch.zeros(4, 2, 14, 14), torch.zeros(4, 1, 14, 14))
    second = SyntheticFlow(clips=4).join(CLASSES, others, TARGETS.flip(0), FOLDS[:1])
    assert torch.equal(first.maps.flow[4:], second.maps.flow[4:])
    assert torch.equal(first.targets[4:], second.targets[4:])


def test_real_clips_alone_change_nothing():
    joined = RealClips().join(CLASSES, real(), TARGETS, FOLDS)
    assert joined.folds is FOLDS
    assert joined.targets is TARGETS
    assert len(joined.maps) == 4


def test_strain_is_made_where_the_dataset_publishes_it_before_anything_is_centred():
    kept, centred = (SyntheticFlow(clips=3, centred=centred).maps(CLASSES, real())[0] for centred in (False, True))
    assert torch.equal(kept.strain, centred.strain)
    raw = optical_strain(kept.flow)
    assert torch.allclose(kept.strain, raw / raw.amax((1, 2, 3), keepdim=True))
    assert kept.strain.max() == 1
    assert SyntheticFlow(clips=3).maps(CLASSES, real(strain=False))[0].strain is None


def test_centred_flow_has_its_median_at_zero_and_lengths_follow_peak_px():
    flow = SyntheticFlow(clips=3, centred=True).maps(CLASSES, real())[0].flow
    assert flow.flatten(2).median(2).values.abs().max() < 1e-7
    once, twice = (SyntheticFlow(clips=3, peak_px=peak).maps(CLASSES, real())[0].flow for peak in (1, 2))
    assert torch.allclose(twice, 2 * once)


def test_no_clips_is_no_clips():
    joined = SyntheticFlow(clips=0).join(CLASSES, real(), TARGETS, FOLDS)
    assert len(joined.maps) == 4
    assert [len(fold.train) for fold in joined.folds] == [2, 2]


def test_models_that_need_more_than_flow_are_refused():
    with pytest.raises(MerError, match="landmarks"):
        SyntheticFlow(clips=2).join(CLASSES, real(landmarks=torch.zeros(4, 68, 2)), TARGETS, FOLDS)


def test_flow_that_is_not_square_is_refused():
    with pytest.raises(MerError, match="10x14"):
        SyntheticFlow(clips=2).join(CLASSES, FlowMaps(torch.zeros(4, 2, 10, 14)), TARGETS, FOLDS)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"clips": -1}, "synthetic.clips"),
        ({"seed": -1}, "synthetic.seed"),
        ({"peak_px": 0}, "synthetic.peak_px"),
        ({"eye_distance": 0.0}, "synthetic.eye_distance"),
        ({"eye_height": 1.5}, "synthetic.eye_height"),
        ({"aspect": 0}, "synthetic.aspect"),
        ({"blinks": 2}, "synthetic.blinks"),
        ({"noise": [0.5, 0.1]}, "synthetic.noise"),
        ({"head": [0.5]}, "synthetic.head"),
        ({"distractor": [-1, 0]}, "synthetic.distractor"),
    ],
)
def test_a_setting_out_of_bounds_is_named(settings, named):
    with pytest.raises(MerError, match=named):
        SyntheticFlow(**settings)
