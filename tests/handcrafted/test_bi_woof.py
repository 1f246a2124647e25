"""Bi-WOOF against a loop over px, and its closed forms."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mer.errors import MerError
from mer.features import optical_strain
from mer.handcrafted import bi_woof
from mer.handcrafted.bi_woof import orientation_bins


def random_flow(batch: int = 3, height: int = 23, width: int = 17) -> Tensor:
    return torch.randn(batch, 2, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def by_loop(flow: Tensor, blocks: int, bins: int) -> Tensor:
    """The definition, px by px."""
    eps = optical_strain(flow[None])[0, 0]
    height, width = flow.shape[1:]
    found = np.zeros((blocks, blocks, bins))
    weight = np.zeros((blocks, blocks))
    rows, columns = ([int(k * size / blocks + 0.5) for k in range(blocks + 1)] for size in (height, width))
    for y in range(height):
        for x in range(width):
            row = next(k for k in range(blocks) if y < rows[k + 1])
            column = next(k for k in range(blocks) if x < columns[k + 1])
            u, v = flow[:, y, x].tolist()
            degrees = math.degrees(math.atan2(v, u)) % 360
            found[row, column, int((degrees + 180) % 360 // (360 / bins))] += math.hypot(u, v)
            weight[row, column] += eps[y, x].item()
    features = (found / found.sum(axis=2, keepdims=True) * weight[..., None]).ravel()
    return torch.from_numpy(features / np.linalg.norm(features))


@pytest.mark.parametrize(("blocks", "bins"), [(5, 8), (3, 4), (1, 12)])
def test_features_are_those_of_a_loop_over_px(blocks: int, bins: int) -> None:
    flow = random_flow()
    expected = torch.stack([by_loop(one, blocks, bins) for one in flow])
    torch.testing.assert_close(bi_woof(flow, blocks=blocks, bins=bins), expected)


def test_dimension_is_bins_times_blocks() -> None:
    assert bi_woof(random_flow()).shape == (3, 200)


def test_a_pure_translation_has_no_strain_and_gives_zeros() -> None:
    assert bi_woof(torch.ones(2, 2, 20, 20)).count_nonzero() == 0


def test_a_stretch_along_x_points_left_and_right_alone() -> None:
    flow = torch.zeros(1, 2, 20, 20, dtype=torch.float64)
    flow[0, 0] = 0.1 * (torch.arange(20) - 9.5)
    histogram = bi_woof(flow, blocks=4).view(4, 4, 8)
    assert histogram[:, :2, 1:].abs().max() == 0  # leftwards: +-180 degrees, bin 0
    assert histogram[:, 2:, [0, 1, 2, 3, 5, 6, 7]].abs().max() == 0  # rightwards: 0 degrees, bin 4
    torch.testing.assert_close(histogram.sum(2), torch.full((4, 4), 0.25, dtype=torch.float64))


def test_larger_motion_of_the_same_kind_changes_nothing() -> None:
    torch.testing.assert_close(bi_woof(random_flow()), bi_woof(7 * random_flow()))


def test_directions_turned_by_a_bin_move_to_the_next_bin() -> None:
    flow, half = random_flow(), math.sqrt(0.5)
    turned = torch.stack([half * (flow[:, 0] - flow[:, 1]), half * (flow[:, 0] + flow[:, 1])], dim=1)
    assert torch.equal(orientation_bins(turned, 8), (orientation_bins(flow, 8) + 1) % 8)
    strain = optical_strain(flow)
    shifted = bi_woof(flow, strain).view(3, 25, 8).roll(1, dims=2)
    torch.testing.assert_close(bi_woof(turned, strain).view(3, 25, 8), shifted)


def test_published_strain_takes_the_place_of_the_flows_own() -> None:
    flow = random_flow()
    flat = bi_woof(flow, torch.ones(3, 1, 23, 17, dtype=torch.float64))
    assert not torch.allclose(flat, bi_woof(flow))
    torch.testing.assert_close(bi_woof(flow, optical_strain(flow)), bi_woof(flow))


def test_half_a_turn_is_one_direction() -> None:
    flow = torch.tensor([[-1.0, -1.0], [0.0, -0.0]])[None, :, None]
    assert orientation_bins(flow, 8).flatten().tolist() == [0, 0]


@pytest.mark.parametrize(("settings", "message"), [({"blocks": 40}, "40 blocks"), ({"bins": 1}, "bins")])
def test_setting_out_of_bounds_is_refused(settings: dict[str, int], message: str) -> None:
    with pytest.raises(MerError, match=message):
        bi_woof(random_flow(), **settings)  # type: ignore[arg-type]
