"""Facial dynamics map: closed forms of its steps."""

import pytest
import torch

from mer.errors import MerError
from mer.handcrafted import facial_dynamics_map
from mer.handcrafted.fdm import flow_mode, principal_direction


def uniform(u: float, v: float, frames: int = 6) -> torch.Tensor:
    return torch.tensor([u, v])[:, None, None].expand(frames, 2, 20, 24)


def test_uniform_flow_is_the_heads_and_vanishes() -> None:
    assert facial_dynamics_map(uniform(0.73, -2.0)).abs().max() < 1e-6


def test_without_alignment_every_cuboid_has_the_uniform_flow() -> None:
    features = facial_dynamics_map(uniform(0.73, -2.0), align=False)
    assert features.shape == (4 * 8 * 8 * 2,) == (512,)
    torch.testing.assert_close(features.view(-1, 2), torch.tensor([0.73, -2.0]).expand(256, 2))


def test_majority_decides_the_principal_direction() -> None:
    a = torch.tensor([0.3, -1.2])
    vectors = torch.cat([a.expand(70, 2), -a.expand(30, 2)])[torch.randperm(100)]
    torch.testing.assert_close(principal_direction(vectors[None]), a[None])


def test_sum_of_the_kept_vectors_is_never_shorter_than_that_of_all() -> None:
    vectors = torch.randn(200, 31, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    direction = principal_direction(vectors)
    kept = (vectors @ direction[..., None])[..., 0] > 0
    sums = (vectors * kept[..., None]).sum(1)
    torch.testing.assert_close(sums / kept.sum(1, keepdim=True), direction)  # a fixed point
    assert (sums.norm(dim=1) >= vectors.sum(1).norm(dim=1) - 1e-12).all()


def test_balanced_vectors_have_no_direction() -> None:
    assert principal_direction(torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]])).abs().max() == 0


def test_mode_is_the_motion_of_most_px_and_not_their_mean() -> None:
    flow = torch.zeros(1, 2, 10, 10)
    flow[0, 0] = 0.52
    flow[0, 0, :4] = torch.linspace(3, 9, 40).view(4, 10)
    flow[0, 1, 5:] = torch.linspace(1, 9, 50).view(5, 10)
    torch.testing.assert_close(flow_mode(flow), torch.tensor([[0.52, 0.0]]))


def test_of_equally_frequent_motions_the_smaller_is_the_heads() -> None:
    flow = torch.zeros(1, 2, 2, 10)
    flow[0, 0, 0], flow[0, 0, 1] = -3.0, 1.0
    assert flow_mode(flow)[0, 0] == 1


def test_cuboids_keep_place_and_time() -> None:
    flows = torch.zeros(8, 2, 16, 16)
    flows[2:4, 0, 4:6, 10:12] = 1.5  # second of four segments, row 2 and column 5 of eight
    features = facial_dynamics_map(flows).view(4, 8, 8, 2)
    assert features.nonzero().tolist() == [[1, 2, 5, 0]]
    assert features[1, 2, 5, 0] == 1.5


def test_flows_between_are_interpolated_in_time() -> None:
    ramp = torch.arange(3.0)[:, None, None, None].expand(3, 2, 8, 8)
    features = facial_dynamics_map(ramp, grid=1, segments=5, align=False).view(5, 2)
    torch.testing.assert_close(features[:, 0], torch.tensor([0, 0.5, 1, 1.5, 2]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"grid": 30}, "30x30 px"), ({"grid": 0}, "grid"), ({"segments": 0}, "segments"), ({"bin_px": 0.0}, "bin_px")],
)
def test_setting_out_of_bounds_is_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(MerError, match=message):
        facial_dynamics_map(uniform(1, 1), **settings)  # type: ignore[arg-type]
