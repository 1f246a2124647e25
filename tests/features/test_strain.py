"""Magnitude, direction and optical strain against closed forms and SciPy."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from mer.errors import MerError
from mer.features import flow_direction, flow_magnitude, optical_strain
from mer.features.augment import flip_flow

SIZES = [(9, 14), (2, 2), (3, 31)]
DERIVATIVES = ["central", "backward", "sobel"]
Derive = Callable[[NDArray[np.float64], int], NDArray[np.float64]]


def linear_flow(a: float, b: float, c: float, d: float, height: int = 9, width: int = 14) -> Tensor:
    """``u = a x + b y + 3``, ``v = c x + d y - 1``."""
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (height, width)), indexing="ij")
    return torch.stack([a * x + b * y + 3, c * x + d * y - 1])[None]


def backward(maps: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return np.diff(maps, axis=axis, prepend=np.take(maps, [0], axis))


def sobel(maps: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    slope = ndimage.sobel(maps, axis, mode="nearest") / 8
    np.moveaxis(slope, axis, 0)[[0, -1]] *= 2  # the border is there twice
    return np.asarray(slope)


REFERENCES: dict[str, Derive] = {
    "central": lambda maps, axis: np.asarray(np.gradient(maps, axis=axis)),
    "backward": backward,
    "sobel": sobel,
}


@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_strain_is_that_of_an_independent_derivative(derivative: str) -> None:
    flow = torch.randn(2, 2, 9, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    derive = REFERENCES[derivative]
    for strain, (u, v) in zip(optical_strain(flow, derivative), flow.numpy(), strict=True):
        shear = (derive(u, 0) + derive(v, 1)) / 2
        expected = np.sqrt(derive(u, 1) ** 2 + derive(v, 0) ** 2 + 2 * shear**2)
        np.testing.assert_allclose(strain[0], expected, rtol=0, atol=1e-12)


def test_central_differences_are_the_default() -> None:
    flow = torch.randn(1, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    assert torch.equal(optical_strain(flow), optical_strain(flow, "central"))


@pytest.mark.parametrize("derivative", ["central", "sobel"])
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("a", "b", "c", "d"), [(0.2, 0.0, 0.0, 0.0), (0.0, 0.3, 0.1, 0.0), (0.2, -0.1, 0.4, -0.3)])
def test_strain_of_a_linear_field_is_exact_up_to_the_borders(
    a: float, b: float, c: float, d: float, height: int, width: int, derivative: str
) -> None:
    strain = optical_strain(linear_flow(a, b, c, d, height, width), derivative)
    expected = math.sqrt(a**2 + d**2 + (b + c) ** 2 / 2)
    assert strain.shape == (1, 1, height, width)
    torch.testing.assert_close(strain, torch.full_like(strain, expected), rtol=0, atol=1e-12)


def test_backward_strain_of_a_linear_field_lacks_a_derivative_in_first_row_and_column() -> None:
    a, b, c, d = 0.2, -0.1, 0.4, -0.3
    strain = optical_strain(linear_flow(a, b, c, d), "backward")[0, 0]
    inside, column, row = math.hypot(a, d, (b + c) / 2**0.5), math.hypot(d, b / 2**0.5), math.hypot(a, c / 2**0.5)
    torch.testing.assert_close(strain[1:, 1:], torch.full((8, 13), inside, dtype=torch.float64))
    torch.testing.assert_close(strain[1:, 0], torch.full((8,), column, dtype=torch.float64))
    torch.testing.assert_close(strain[0, 1:], torch.full((13,), row, dtype=torch.float64))
    assert strain[0, 0] == 0


@pytest.mark.parametrize("angle", [0.1, -0.4])
@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_rigid_rotation_has_no_strain(angle: float, derivative: str) -> None:
    strain = optical_strain(linear_flow(0, -angle, angle, 0), derivative)
    inside = strain[..., 1:, 1:] if derivative == "backward" else strain  # which knows no motion before the border
    assert inside.max() < 1e-12


@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_translation_has_no_strain(derivative: str) -> None:
    assert optical_strain(linear_flow(0, 0, 0, 0), derivative).max() == 0


@pytest.mark.parametrize("derivative", ["forward", "", "diff"])
def test_another_derivative_is_refused_by_name(derivative: str) -> None:
    with pytest.raises(MerError, match=r"features\.derivative to be one of backward, central, sobel"):
        optical_strain(linear_flow(0, 0, 0, 0), derivative)


def test_strain_of_a_parabola_is_central_inside_and_one_sided_at_the_borders() -> None:
    x = torch.arange(6, dtype=torch.float64)
    flow = torch.stack([x**2, torch.zeros(6)])[None, :, None].expand(1, 2, 4, 6)
    expected = torch.tensor([1, 2, 4, 6, 8, 9], dtype=torch.float64)
    torch.testing.assert_close(optical_strain(flow), expected.expand(1, 1, 4, 6), rtol=0, atol=1e-12)


@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_strain_leaves_the_flow_as_it_was(derivative: str) -> None:
    flow = linear_flow(0.2, -0.1, 0.4, -0.3)
    before = flow.clone()
    optical_strain(flow, derivative)
    torch.testing.assert_close(flow, before, rtol=0, atol=0)


def test_magnitude_is_the_length_of_the_vector() -> None:
    flow = torch.tensor([[3.0, -4.0], [5.0, 12.0], [0.0, 0.0]])[..., None, None]
    assert flow_magnitude(flow).shape == (3, 1, 1, 1)
    assert flow_magnitude(flow).flatten().tolist() == [5, 13, 0]


def test_direction_is_cosine_and_sine_whatever_the_length() -> None:
    flow = torch.tensor([[3.0, -4.0], [3e-20, -4e-20], [-2e9, 0.0], [0.0, 0.0]])[..., None, None]
    expected = torch.tensor([[0.6, -0.8], [0.6, -0.8], [-1.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(flow_direction(flow)[..., 0, 0], expected)


def test_direction_of_a_mirrored_face_negates_the_cosine() -> None:
    flow = torch.randn(2, 2, 5, 6, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(flow_direction(flip_flow(flow)), flip_flow(flow_direction(flow)), rtol=0, atol=0)


@pytest.mark.parametrize("measure", [flow_magnitude, flow_direction, optical_strain])
@pytest.mark.parametrize("shape", [(2, 8, 8), (1, 3, 8, 8), (1, 1, 2, 8, 8)])
def test_another_shape_is_refused(measure: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> None:
    with pytest.raises(MerError, match=r"\(B, 2, H, W\)"):
        measure(torch.zeros(shape))
