"""Warping against SciPy's interpolation."""

import numpy as np
import pytest
import torch

from mer.flow.flownet2.warping import channel_norm, warp
from tests.flow.flownet2 import reference


@pytest.mark.parametrize("reach_px", [0.4, 3.0, 40.0], ids=["inside", "across", "far outside"])
def test_warp_is_bilinear_with_the_border_repeated(reach_px: float) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, 17, 23, generator=generator)
    flow = (2 * torch.rand(2, 2, 17, 23, generator=generator) - 1) * reach_px
    warped = warp(images, flow)
    for row in range(2):
        expected = reference.warp(images[row].double().numpy(), flow[row].double().numpy())
        np.testing.assert_allclose(warped[row], expected, rtol=0, atol=2e-5)


def test_flow_to_the_right_brings_what_lies_there() -> None:
    ramp = torch.arange(8.0).expand(1, 1, 6, 8)
    right, down = torch.zeros(1, 2, 6, 8), torch.zeros(1, 2, 6, 8)
    right[:, 0], down[:, 1] = 2, 2
    torch.testing.assert_close(warp(ramp, right)[..., :6], ramp[..., 2:])
    torch.testing.assert_close(warp(ramp, down), ramp)


def test_no_flow_changes_nothing() -> None:
    images = torch.rand(1, 3, 64, 128, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(warp(images, torch.zeros(1, 2, 64, 128)), images, rtol=0, atol=2e-5)


def test_channel_norm_is_the_length_of_each_pixels_vector() -> None:
    assert channel_norm(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)).item() == 5
    assert channel_norm(torch.zeros(2, 3, 4, 5)).shape == (2, 1, 4, 5)
