"""Descriptors of whole clips: what they need, and that a batch's rows are the functions' of each clip."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from mer.errors import MerError
from mer.flow import FlowMaps
from mer.handcrafted import (
    FacialDynamicsMap,
    LBPSip,
    LBPTop,
    Mdmo,
    facial_dynamics_map,
    lbp_sip,
    lbp_top,
    mdmo,
)  # fmt: skip
from mer.handcrafted.clips import grey_clips
from mer.handcrafted.model import Descriptor
from mer.needs import Needs
from mer.synth.portrait import load_portrait
from tests.clip_maps import noise_maps

DESCRIPTORS = (
    (LBPTop(5, 3, (1, 1, 2)), 3 * 3 * 3 * 59),
    (LBPSip(5, 3, 1, 2), 3 * 3 * 20),
    (FacialDynamicsMap(5, 4, 2), 2 * 4 * 4 * 2),
    (Mdmo(5), 72),
)


def maps_of(n_clips: int = 3) -> FlowMaps:
    """Noise of 40 px, with the landmarks of a face that fills it."""
    points = load_portrait().landmarks
    low, high = points.min(axis=0), points.max(axis=0)
    face = torch.from_numpy((points - low) / (high - low) * 30 + 5).float()
    return replace(noise_maps(n_clips, 40), landmarks=face.expand(n_clips, 68, 2).contiguous())


def test_grey_is_that_of_opencv_frame_by_frame() -> None:
    maps = maps_of()
    grey = grey_clips(maps)
    assert (grey.shape, grey.dtype) == ((3, 5, 40, 40), np.uint8)
    frame = maps.need("frames")[2, 4].permute(1, 2, 0).contiguous().numpy()
    assert np.array_equal(grey[2, 4], cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))


def test_rows_are_those_of_the_functions() -> None:
    maps = maps_of()
    grey, points = grey_clips(maps)[1], maps.need("landmarks")[1].numpy()
    frame_flow, onset_flow = maps.need("frame_flow")[1], maps.need("onset_flow")[1]
    expected = (
        lbp_top(grey, (4, 4), (2, 1, 2), 4, uniform=False, sampling="nearest", overlap=0.2),
        lbp_sip(grey, (4, 4), 2, 1, 0.2),
        facial_dynamics_map(frame_flow, 5, 3, align=False),
        facial_dynamics_map(frame_flow, 5, 3, bin_px=0.5),
        mdmo(onset_flow, points, 0.6, align=False),
        mdmo(onset_flow, points),
    )
    ours = (
        LBPTop(5, 4, [2, 1, 2], 4, uniform=False, sampling="nearest", overlap=0.2),
        LBPSip(5, 4, 2, 1, 0.2),
        FacialDynamicsMap(5, 5, 3, align=False),
        FacialDynamicsMap(5, 5, 3, bin_px=0.5),
        Mdmo(5, 0.6, align=False),
        Mdmo(5),
    )
    for descriptor, row in zip(ours, expected, strict=True):
        np.testing.assert_allclose(descriptor(maps)[1], row, atol=1e-6)


@pytest.mark.parametrize(("descriptor", "width"), DESCRIPTORS)
def test_a_descriptor_needs_what_it_looks_at_and_nothing_else(descriptor: Descriptor, width: int) -> None:
    maps, needs = maps_of(), Needs.of(descriptor)
    assert needs.n_frames == 5
    just_these = FlowMaps(maps.flow, **{name: maps.need(name) for name in needs.names})
    assert descriptor(just_these).shape == (3, width)
    with pytest.raises(MerError, match="prepare maps"):
        descriptor(FlowMaps(maps.flow))


@pytest.mark.parametrize(("descriptor", "width"), DESCRIPTORS)
def test_a_clip_is_described_by_itself_alone(descriptor: Descriptor, width: int) -> None:
    maps = maps_of()
    alone = torch.cat([descriptor(maps.select([row])) for row in range(3)])
    assert torch.equal(descriptor(maps), alone)
    assert not torch.equal(alone[0], alone[1])


@pytest.mark.parametrize(
    ("kind", "setting", "value"),
    [
        (LBPTop, "frames", 8),  # of which none has four before and after it
        (LBPTop, "blocks", 0),
        (LBPTop, "radii", (1, 0, 1)),
        (LBPTop, "radii", (1, 1)),
        (LBPTop, "neighbours", 6),
        (LBPTop, "sampling", "cubic"),
        (LBPTop, "overlap", 1.0),
        (LBPSip, "frames", 8),
        (LBPSip, "blocks", 0),
        (LBPSip, "radius_px", 0),
        (LBPSip, "radius_frames", 0),
        (LBPSip, "overlap", -0.1),
        (FacialDynamicsMap, "frames", 1),
        (FacialDynamicsMap, "grid", 0),
        (FacialDynamicsMap, "segments", 0),
        (FacialDynamicsMap, "bin_px", 0),
        (Mdmo, "frames", 1),
        (Mdmo, "weight", 1.2),
    ],
)
def test_setting_out_of_bounds_is_refused_by_name(kind: Any, setting: str, value: object) -> None:
    with pytest.raises(MerError, match=rf"model\.descriptor\.{setting}"):
        kind(**{setting: value})
