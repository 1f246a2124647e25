"""Flow as colours, against a pixel-by-pixel writing of the convention and closed forms."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mer.errors import MerError
from mer.flow.colour import colour_wheel, flow_to_rgb


def wheel_by_hand() -> np.ndarray:
    """The 55 colours, channel by channel: what rises, what falls, how far."""
    colours = np.zeros((55, 3))
    start = 0
    for count, full, changing, rises in (
        (15, 0, 1, True),
        (6, 1, 0, False),
        (4, 1, 2, True),
        (11, 2, 1, False),
        (13, 2, 0, True),
        (6, 0, 2, False),
    ):
        ramp = np.floor(255 * np.arange(count) / count)
        colours[start : start + count, full] = 255
        colours[start : start + count, changing] = ramp if rises else 255 - ramp
        start += count
    return colours / 255


def pixel_by_hand(u: float, v: float, largest: float) -> np.ndarray:
    if not (abs(u) <= 1e9 and abs(v) <= 1e9):
        return np.zeros(3)
    wheel, radius = wheel_by_hand(), math.sqrt(u * u + v * v) / largest
    place = (math.atan2(-v, -u) / math.pi + 1) / 2 * 54
    low = int(place)
    mixed = wheel[low] * (1 - (place - low)) + wheel[(low + 1) % 55] * (place - low)
    return 1 - radius * (1 - mixed) if radius <= 1 else 0.75 * mixed


def by_hand(flow: Tensor, largest: float | None) -> np.ndarray:
    pictures = []
    for clip in flow.permute(0, 2, 3, 1).numpy():
        known = (np.abs(clip) <= 1e9).all(axis=-1)
        top = largest or max(math.sqrt(u * u + v * v) for u, v in clip[known])
        pictures.append([[pixel_by_hand(*vector, top) for vector in row] for row in clip])
    return np.asarray(pictures).transpose(0, 3, 1, 2)


def arrows(*vectors: tuple[float, float]) -> Tensor:
    """One row of flow vectors as ``(1, 2, 1, N)``."""
    return torch.tensor(vectors, dtype=torch.float64).T[None, :, None]


@pytest.mark.parametrize("largest", [None, 1.0, 3.5])
def test_colours_are_those_of_the_convention(largest: float | None) -> None:
    flow = torch.randn(2, 2, 13, 17, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    flow[1, 0, 2, 3], flow[0, 1, 5, 5], flow[1, :, 7, 7] = math.nan, 2e9, math.inf
    np.testing.assert_allclose(flow_to_rgb(flow, largest).numpy(), by_hand(flow, largest), rtol=0, atol=1e-9)


def test_directions_have_their_colours() -> None:
    colours = flow_to_rgb(arrows((2, 0), (-2, 0), (0, 2), (0, -2)))[0, :, 0].T * 255
    right, left, down, up = colours.tolist()
    assert right == [255, 0, 0]
    np.testing.assert_allclose(left, [0, 209, 255], atol=1e-6)
    np.testing.assert_allclose(down, [255, 229.5, 0], atol=1e-6)
    np.testing.assert_allclose(up, [88, 0, 255], atol=1e-6)


def test_each_of_the_wheels_colours_stands_at_its_direction() -> None:
    turns = np.arange(55) / 54
    flow = arrows(*((math.cos(2 * math.pi * turn), math.sin(2 * math.pi * turn)) for turn in turns[:-1]))
    np.testing.assert_allclose(flow_to_rgb(flow, 1.0)[0, :, 0].T.numpy(), wheel_by_hand()[:-1], atol=1e-9)


def test_no_motion_is_white() -> None:
    assert (flow_to_rgb(torch.zeros(2, 2, 4, 5)) == 1).all()


def test_half_the_length_is_half_the_way_from_white() -> None:
    whole, half = flow_to_rgb(arrows((3, 4), (1.5, 2)), 5.0)[0, :, 0].T
    torch.testing.assert_close(half, (1 + whole) / 2)


def test_longer_flow_is_darker_and_keeps_its_hue() -> None:
    whole, beyond = flow_to_rgb(arrows((3, 4), (30, 40)), 5.0)[0, :, 0].T
    torch.testing.assert_close(beyond, 0.75 * whole)


def test_each_flow_is_measured_by_its_own_largest() -> None:
    flow = torch.randn(3, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    together = flow_to_rgb(torch.cat([flow, 100 * flow]))
    torch.testing.assert_close(together[3:], together[:3])
    torch.testing.assert_close(together[:1], flow_to_rgb(flow[:1]), rtol=0, atol=0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -2e9])
def test_unknown_flow_is_black_and_does_not_count_as_the_largest(bad: float) -> None:
    colours = flow_to_rgb(arrows((1, 0), (bad, 0), (0, bad)))[0, :, 0].T.tolist()
    assert colours == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_negative_zero_is_the_colour_of_zero() -> None:
    colours = flow_to_rgb(arrows((1, 0.0), (1, -0.0)))[0, :, 0].T
    assert torch.equal(colours[0], colours[1])


def test_half_precision_gives_the_same_picture() -> None:
    flow = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(2)).half()
    torch.testing.assert_close(flow_to_rgb(flow).float(), flow_to_rgb(flow.float()), rtol=0, atol=0.03)


def test_legend_is_white_in_the_middle_and_outside_the_disc() -> None:
    legend = colour_wheel(41)
    assert legend.shape == (3, 41, 41)
    assert legend[:, 20, 20].tolist() == legend[:, 0, 0].tolist() == [1, 1, 1]
    assert legend[:, 20, 40].tolist() == [1, 0, 0]


def test_legend_of_no_size_is_refused() -> None:
    with pytest.raises(MerError, match="size_px"):
        colour_wheel(1)


@pytest.mark.parametrize("shape", [(2, 8, 8), (1, 3, 8, 8)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MerError, match=r"\(B, 2, H, W\)"):
        flow_to_rgb(torch.zeros(shape))


@pytest.mark.parametrize("largest", [0.0, -1.0, math.nan])
def test_largest_length_must_be_above_zero(largest: float) -> None:
    with pytest.raises(MerError, match="largest_px"):
        flow_to_rgb(torch.zeros(1, 2, 4, 4), largest)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_colours_are_the_same_on_the_gpu() -> None:
    flow = torch.randn(2, 2, 16, 16, generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(flow_to_rgb(flow.cuda()).cpu(), flow_to_rgb(flow), rtol=0, atol=1e-5)
