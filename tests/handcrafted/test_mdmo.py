"""MDMO: its regions, its main directions and their closed forms."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from mer.errors import MerError
from mer.handcrafted import mdmo
from mer.handcrafted.mdmo import main_direction, without_head_motion
from mer.handcrafted.regions36 import REGIONS, region_corners, region_masks
from mer.synth.portrait import eye_distance_px, load_portrait

_SIZE = 200


@pytest.fixture(scope="module")
def face() -> NDArray[np.float32]:
    """Landmarks of the portrait, the whole face on 200x200 px."""
    points = load_portrait().landmarks
    scaled = points * 60 / eye_distance_px(points)
    return np.asarray(scaled - scaled[30] + (100, 110), np.float32)


def constant(u: float, v: float, frames: int = 3) -> Tensor:
    return torch.tensor([u, v], dtype=torch.float64)[:, None, None].expand(frames, 2, _SIZE, _SIZE)


def polar(features: Tensor, weight: float = 0.8) -> tuple[Tensor, Tensor]:
    return features[:36] / weight, features[36:] / (1 - weight)


def test_there_are_36_regions_and_each_lies_on_the_face(face: NDArray[np.float32]) -> None:
    masks = region_masks(face, (_SIZE, _SIZE))
    assert masks.shape == (36, _SIZE, _SIZE)
    assert masks.any(axis=(1, 2)).all()
    assert len(set(REGIONS)) == 36


def test_mirrored_regions_mirror_each_other(face: NDArray[np.float32]) -> None:
    """Regions 1 and 6, 2 and 5 of the forehead are each other's mirror: so are they on a symmetric face."""
    corners = region_corners(face)
    for left, right in ((0, 5), (1, 4), (2, 3), (6, 13), (20, 21), (22, 23), (28, 29), (30, 31)):
        assert corners[left][:, 0].mean() < face[30, 0] < corners[right][:, 0].mean()
        assert abs(corners[left][:, 1].mean() - corners[right][:, 1].mean()) < 12


def test_forehead_reaches_a_fifth_of_the_eyes_distance_above_the_brows(face: NDArray[np.float32]) -> None:
    corners = region_corners(face)
    up = 0.2 * np.linalg.norm(face[45] - face[36])
    np.testing.assert_allclose(corners[0], [face[17], face[17] - (0, up), face[19] - (0, up), face[19]], atol=1e-3)


def test_constant_flow_has_one_length_and_direction_everywhere(face: NDArray[np.float32]) -> None:
    length, angle = polar(mdmo(constant(-0.3, 0.4), face, align=False))
    torch.testing.assert_close(length, torch.ones(36, dtype=torch.float64))
    torch.testing.assert_close(angle, torch.full((36,), math.atan2(0.4, -0.3), dtype=torch.float64))


def test_larger_motion_of_the_same_kind_changes_nothing(face: NDArray[np.float32]) -> None:
    flow = torch.randn(2, 2, _SIZE, _SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mdmo(flow, face, align=False), mdmo(5 * flow, face, align=False))


def test_directions_about_half_a_turn_do_not_cancel(face: NDArray[np.float32]) -> None:
    flow = constant(-1, 0).clone()
    flow[:, 1, ::2], flow[:, 1, 1::2] = 0.1, -0.1
    length, angle = polar(mdmo(flow, face, align=False))
    assert length.min() > 0.99
    assert angle.abs().min() > math.pi - 0.05


def test_fullest_bin_is_counted_and_not_weighted() -> None:
    flow = torch.zeros(1, 2, 1, 10)
    flow[0, 0, 0, :6], flow[0, 1, 0, 6:] = 0.5, 100
    masks = torch.ones(1, 1, 10, dtype=torch.bool)
    torch.testing.assert_close(main_direction(flow, masks), torch.tensor([[[0.5, 0.0]]]))


@pytest.mark.parametrize(("degrees", "same"), [(22.0, True), (-22.0, True), (23.0, False), (-23.0, False)])
def test_bins_lie_round_the_multiples_of_45_degrees(degrees: float, same: bool) -> None:
    angle = math.radians(degrees)
    flow = torch.tensor([[1.0, 1.0, math.cos(angle)], [0.0, 0.0, math.sin(angle)]])[None, :, None]
    mean = main_direction(flow, torch.ones(1, 1, 3, dtype=torch.bool))[0, 0]
    assert (mean[1] != 0) == same


def test_frames_are_averaged_as_vectors(face: NDArray[np.float32]) -> None:
    flows = torch.cat([constant(1, 0, 1), constant(0, 1, 1)])
    _, angle = polar(mdmo(flows, face, align=False))
    torch.testing.assert_close(angle, torch.full((36,), math.pi / 4, dtype=torch.float64))


def test_affine_motion_of_the_head_is_taken_off(face: NDArray[np.float32]) -> None:
    rows, columns = torch.meshgrid(*2 * [torch.arange(_SIZE, dtype=torch.float64)], indexing="ij")
    head = torch.stack([2 + 0.01 * columns - 0.02 * rows, -1 + 0.015 * columns + 0.005 * rows])
    assert without_head_motion(head[None], face).abs().max() < 1e-4  # bicubic weights are float32 at the points
    smile = torch.zeros(2, _SIZE, _SIZE, dtype=torch.float64)
    corner = np.round(face[48]).astype(int)
    smile[:, corner[1] - 5 : corner[1] + 5, corner[0] - 5 : corner[0] + 5] = torch.tensor([-1.0, -0.5])[:, None, None]
    kept = without_head_motion((head + smile)[None], face)[0]
    assert (kept - smile).abs().max() < 0.03  # the head's own scale of a few per cent


def test_region_off_the_crop_has_neither_length_nor_direction(face: NDArray[np.float32]) -> None:
    low = face + np.float32([0, 90])
    length, angle = polar(mdmo(constant(1, 0), low, align=False))
    assert length[35] == 0 == angle[35]
    assert length[0] == 1


def test_crop_without_the_jaw_cannot_be_aligned(face: NDArray[np.float32]) -> None:
    with pytest.raises(MerError, match=r"4 landmarks of jaw and nose on the crop; got 1 of 13"):
        mdmo(constant(1, 0), (face - face[30]) * 20 + 100)


def test_crop_without_motion_has_zeros(face: NDArray[np.float32]) -> None:
    assert mdmo(constant(0, 0), face).abs().max() < 1e-9


@pytest.mark.parametrize(("flow", "message"), [(torch.zeros(2, 20, 20), "flows"), (torch.zeros(0, 2, 9, 9), "flows")])
def test_what_is_no_flow_is_refused(flow: Tensor, message: str, face: NDArray[np.float32]) -> None:
    with pytest.raises(MerError, match=message):
        mdmo(flow, face)


def test_landmarks_and_weight_are_checked(face: NDArray[np.float32]) -> None:
    with pytest.raises(MerError, match="68 landmarks"):
        mdmo(constant(1, 0), face[:5])
    with pytest.raises(MerError, match="weight"):
        mdmo(constant(1, 0), face, weight=1.5)
