"""Magnitude and optical strain against closed forms."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mer.errors import MerError
from mer.features import flow_magnitude, optical_strain

SIZES = [(9, 14), (2, 2), (3, 31)]


def linear_flow(a: float, b: float, c: float, d: float, height: int = 9, width: int = 14) -> Tensor:
    """``u = a x + b y + 3``, ``v = c x + d y - 1``."""
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (height, width)), indexing="ij")
    return torch.stack([a * x + b * y + 3, c * x + d * y - 1])[None]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("a", "b", "c", "d"), [(0.2, 0.0, 0.0, 0.0), (0.0, 0.3, 0.1, 0.0), (0.2, -0.1, 0.4, -0.3)])
def test_strain_of_a_linear_field_is_exact_up_to_the_borders(
    a: float, b: float, c: float, d: float, height: int, width: int
) -> None:
    strain = optical_strain(linear_flow(a, b, c, d, height, width))
    expected = math.sqrt(a**2 + d**2 + (b + c) ** 2 / 2)
    assert strain.shape == (1, 1, height, width)
    torch.testing.assert_close(strain, torch.full_like(strain, expected), rtol=0, atol=1e-12)


@pytest.mark.parametrize("angle", [0.1, -0.4])
def test_rigid_rotation_has_no_strain(angle: float) -> None:
    assert optical_strain(linear_flow(0, -angle, angle, 0)).max() < 1e-12


def test_translation_has_no_strain() -> None:
    assert optical_strain(linear_flow(0, 0, 0, 0)).max() == 0


def test_strain_of_a_parabola_is_central_inside_and_one_sided_at_the_borders() -> None:
    x = torch.arange(6, dtype=torch.float64)
    flow = torch.stack([x**2, torch.zeros(6)])[None, :, None].expand(1, 2, 4, 6)
    expected = torch.tensor([1, 2, 4, 6, 8, 9], dtype=torch.float64)
    torch.testing.assert_close(optical_strain(flow), expected.expand(1, 1, 4, 6), rtol=0, atol=1e-12)


def test_strain_leaves_the_flow_as_it_was() -> None:
    flow = linear_flow(0.2, -0.1, 0.4, -0.3)
    before = flow.clone()
    optical_strain(flow)
    torch.testing.assert_close(flow, before, rtol=0, atol=0)


def test_magnitude_is_the_length_of_the_vector() -> None:
    flow = torch.tensor([[3.0, -4.0], [5.0, 12.0], [0.0, 0.0]])[..., None, None]
    assert flow_magnitude(flow).shape == (3, 1, 1, 1)
    assert flow_magnitude(flow).flatten().tolist() == [5, 13, 0]


@pytest.mark.parametrize("measure", [flow_magnitude, optical_strain])
@pytest.mark.parametrize("shape", [(2, 8, 8), (1, 3, 8, 8), (1, 1, 2, 8, 8)])
def test_another_shape_is_refused(measure: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> None:
    with pytest.raises(MerError, match=r"\(B, 2, H, W\)"):
        measure(torch.zeros(shape))
