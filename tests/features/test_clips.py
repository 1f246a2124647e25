"""Inputs of whole clips."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from mer.errors import MerError
from mer.features import BranchFeatures, ClipFeatures
from mer.flow import FlowMaps
from tests.clip_maps import noise_maps

MOTION = ("u", "v", "m", "eps")


def per_time(maps: FlowMaps, step: int) -> FlowMaps:
    """One of the clips' flows as if it were the flow from onset to apex."""
    return FlowMaps(maps.need("frame_flow")[:, step])


def test_streams_have_a_step_a_frame_and_one_less_where_they_hold_motion() -> None:
    features = ClipFeatures([["grey"], ["rgb", "u", "v"]], frames=5, size=16)
    grey, motion = features(noise_maps())
    assert (grey.shape, motion.shape) == ((4, 5, 1, 16, 16), (4, 4, 5, 16, 16))
    assert features.in_channels == (1, 5)


def test_frames_are_scaled_to_one_and_grey_as_opencv_has_it() -> None:
    maps = noise_maps()
    frames = maps.need("frames")
    rgb, grey = ClipFeatures([["rgb"], ["grey"]])(maps)
    torch.testing.assert_close(rgb, frames / 255)
    expected = [[cv2.cvtColor(one.permute(1, 2, 0).numpy(), cv2.COLOR_RGB2GRAY) for one in clip] for clip in frames]
    np.testing.assert_allclose(grey[:, :, 0] * 255, np.array(expected), atol=0.51)


@pytest.mark.parametrize("normalize", ["none", "symmetric", "rms"])
def test_change_is_each_frame_less_the_onset_at_one_scale_a_clip(normalize: str) -> None:
    maps = noise_maps()
    (ours,) = ClipFeatures([["change"]], normalize=normalize)(maps)
    rgb = maps.need("frames").double() / 255
    change = rgb - rgb[:, :1]
    flat = change.flatten(1)
    scales = {"none": torch.ones(len(maps)), "symmetric": flat.abs().amax(1), "rms": 3 * flat.square().mean(1).sqrt()}
    expected = change / scales[normalize][:, None, None, None, None]
    torch.testing.assert_close(ours.double(), expected, atol=1e-6, rtol=1e-5)
    assert not ours[:, 0].any()
    assert ours[:, 1:].any()


def test_change_beside_flow_is_that_of_the_frame_the_flow_leads_to() -> None:
    maps = noise_maps()
    (alone,) = ClipFeatures([["change"]])(maps)
    (both,) = ClipFeatures([["u", "change"]])(maps)
    torch.testing.assert_close(both[:, :, 1:], alone[:, 1:])


def test_change_knows_no_light_that_stays() -> None:
    maps = noise_maps()
    brighter = replace(maps, frames=(maps.need("frames") // 2 + 100).to(torch.uint8))
    same = replace(maps, frames=(maps.need("frames") // 2).to(torch.uint8))
    features = ClipFeatures([["change"]])
    torch.testing.assert_close(features(brighter)[0], features(same)[0])


def test_beside_each_flow_stands_the_frame_that_it_leads_to() -> None:
    maps = noise_maps()
    (both,) = ClipFeatures([["rgb", "u"]], normalize="none")(maps)
    torch.testing.assert_close(both[:, :, :3], maps.need("frames")[:, 1:] / 255)
    torch.testing.assert_close(both[:, :, 3], maps.need("frame_flow")[:, :, 0])


@pytest.mark.parametrize("derivative", ["central", "sobel"])
def test_motion_channels_are_those_of_each_flow_by_itself(derivative: str) -> None:
    maps = noise_maps()
    (ours,) = ClipFeatures([MOTION], normalize="none", derivative=derivative)(maps)
    alone = BranchFeatures(MOTION, (), normalize="none", derivative=derivative)
    for step in range(ours.shape[1]):
        torch.testing.assert_close(ours[:, step], alone(per_time(maps, step))[0])


def test_a_clip_has_one_scale_for_all_its_times() -> None:
    maps = noise_maps()
    (ours,) = ClipFeatures([MOTION])(maps)
    (px,) = ClipFeatures([MOTION], normalize="none")(maps)
    largest_m, largest_eps = (px[:, :, number].amax(dim=(1, 2, 3)) for number in (2, 3))
    torch.testing.assert_close(ours[:, :, :3], px[:, :, :3] / largest_m[:, None, None, None, None])
    torch.testing.assert_close(ours[:, :, 3], px[:, :, 3] / largest_eps[:, None, None, None])


def test_motion_chooses_the_flow() -> None:
    maps = noise_maps()
    (ours,) = ClipFeatures([["u", "v"]], motion="onset_flow", normalize="none")(maps)
    torch.testing.assert_close(ours, maps.need("onset_flow"))


@pytest.mark.parametrize(
    ("streams", "motion", "needs"),
    [
        ([["grey"]], "frame_flow", {"frames"}),
        ([["change"]], "frame_flow", {"frames"}),
        ([["u"], ["eps"]], "frame_flow", {"frame_flow"}),
        ([["m", "rgb"]], "onset_flow", {"frames", "onset_flow"}),
    ],
)
def test_features_need_what_their_channels_are_made_of(streams: list[list[str]], motion: str, needs: set[str]) -> None:
    features = ClipFeatures(streams, frames=5, motion=motion)
    assert features.needs == needs
    whole = noise_maps()
    features(FlowMaps(whole.flow, **{name: whole.need(name) for name in needs}))


def test_maps_without_what_is_needed_are_refused() -> None:
    with pytest.raises(MerError, match=r"aligned crops.*prepare maps\.frames too"):
        ClipFeatures([["grey"]])(replace(noise_maps(), frames=None))


def test_each_clip_is_made_of_itself_alone() -> None:
    maps, features = noise_maps(), ClipFeatures([["grey", *MOTION]])
    together = features(maps)[0]
    for row in range(len(maps)):
        torch.testing.assert_close(features(maps.select([row]))[0][0], together[row])


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("streams", []),
        ("streams", "grey"),
        ("streams", ["grey"]),
        ("streams", [[]]),
        ("streams", [["smell"]]),
        ("frames", 1),
        ("size", 0),
        ("motion", "apex_flow"),
        ("normalize", "much"),
        ("derivative", "none"),
    ],
)
def test_setting_out_of_bounds_is_refused_by_name(setting: str, value: Any) -> None:
    with pytest.raises(MerError, match=rf"features\.{setting}"):
        ClipFeatures(**{setting: value})
