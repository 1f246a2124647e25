"""The proportion of v to u, lost to scaling, found by the strain."""

from pathlib import Path

import cv2
import pytest
import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from mer.datasets import FlowImages
from mer.datasets.flow_proportion import v_per_u
from mer.errors import MerError
from mer.features import optical_strain
from tests.fakes import write_flow_images


def smooth_flow(n_clips: int) -> Tensor:
    noise = torch.randn(n_clips, 2, 28, 28, generator=torch.Generator().manual_seed(0))
    return gaussian_blur2d(noise, (9, 9), (2.0, 2.0))


def unit_range(maps: Tensor) -> Tensor:
    low, high = maps.amin((-2, -1), keepdim=True), maps.amax((-2, -1), keepdim=True)
    return (maps - low) / (high - low)


def range_ratio(flow: Tensor) -> Tensor:
    u, v = (flow.amax((-2, -1)) - flow.amin((-2, -1))).unbind(1)
    return v / u


@pytest.mark.parametrize("v_factor", [0.3, 1.0, 3.5])
def test_proportion_of_a_scaled_flow_is_found_again(v_factor: float) -> None:
    flow = smooth_flow(6) * torch.tensor([1.0, v_factor])[:, None, None]
    found = v_per_u(unit_range(flow), unit_range(optical_strain(flow)))
    torch.testing.assert_close(found, range_ratio(flow), rtol=0.03, atol=0)


def test_neither_unit_nor_offset_of_the_strain_matters() -> None:
    flow = smooth_flow(3)
    strain = optical_strain(flow * torch.tensor([1.0, 2.0])[:, None, None])
    torch.testing.assert_close(v_per_u(flow, strain), v_per_u(3 * flow, 0.1 * strain + 4))


def test_factor_stays_within_bounds() -> None:
    flow = smooth_flow(3)
    for v_factor, bound in ((50, 5), (0.02, 1 / 5)):
        strain = optical_strain(flow * torch.tensor([1.0, v_factor])[:, None, None])
        torch.testing.assert_close(v_per_u(flow, strain), torch.full((3,), float(bound)))


def test_clip_without_motion_or_strain_keeps_its_proportion() -> None:
    flow = smooth_flow(2)
    still = v_per_u(torch.zeros_like(flow), torch.rand(2, 1, 28, 28))
    assert still.tolist() == [1, 1]
    assert v_per_u(flow, torch.zeros(2, 1, 28, 28)).tolist() == [1, 1]


def write_scaled(root: Path, flow: Tensor) -> FlowImages:
    write_flow_images(root, subjects=1, clips_per_subject=1)
    image = torch.cat([unit_range(flow), unit_range(optical_strain(flow))], dim=1)[0].permute(1, 2, 0)
    cv2.imwrite(str(root / "s01_clip_01.png"), (255 * image).round().byte().numpy()[..., ::-1])
    return FlowImages([str(root)])


@pytest.mark.parametrize("proportion", [0.0, 0.5, 1.0])
def test_flow_images_bring_v_to_the_scale_of_u_as_far_as_asked(tmp_path: Path, proportion: float) -> None:
    flow = smooth_flow(1) * torch.tensor([1.0, 2.5])[:, None, None]
    images = write_scaled(tmp_path, flow)
    as_it_is = images.flow_maps(images.load().clips).flow
    asked = FlowImages([str(tmp_path)], proportion=proportion).flow_maps(images.load().clips).flow
    torch.testing.assert_close(asked[:, 0], as_it_is[:, 0])
    factor = (asked[:, 1] / as_it_is[:, 1]).nanmedian().item()
    assert factor == pytest.approx(range_ratio(flow).item() ** proportion, rel=0.05)


@pytest.mark.parametrize("proportion", [-0.1, 1.1, "strain"])
def test_proportion_out_of_bounds_is_refused(proportion: float) -> None:
    with pytest.raises(MerError, match=r"dataset\.proportion"):
        FlowImages(["x"], proportion=proportion)
