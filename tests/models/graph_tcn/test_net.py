"""Graph-TCN: causal blocks, node and edge channels, and that it learns."""

import pytest
import torch
from torch import Tensor

from mer.errors import MerError
from mer.models.graph_tcn.graph import landmark_edges
from mer.models.graph_tcn.net import GraphTCN, TemporalBlock
from tests.models.flow_nets import check_batch_does_not_matter, check_learns_by_heart, count_parameters

NODES, PIXELS, FRAMES = 28, 9, 6


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def tiny(**settings: object) -> GraphTCN:
    return GraphTCN(3, **({"in_channels": (PIXELS,), "widths": (4, 4), "dropout": 0.0} | settings))  # type: ignore[arg-type]


def patches(batch: int) -> Tensor:
    return torch.randn(batch, FRAMES, NODES, PIXELS)


def test_has_the_parameters_of_its_layers() -> None:
    first = (49 * 3 + 1) * 32 + (32 * 3 + 1) * 32 + (49 + 1) * 32
    second = 2 * (32 * 3 + 1) * 32
    head = (NODES + len(landmark_edges())) * 32 * 5 + 5
    assert count_parameters(GraphTCN(5)) == NODES**2 + 2 * (first + second) + head


@pytest.mark.parametrize(("dilation", "reach"), [(1, 4), (2, 8)])
def test_block_sees_the_past_as_far_as_its_dilation_reaches(dilation: int, reach: int) -> None:
    block = TemporalBlock(2, 3, 3, dilation, 0.0).double().eval()
    sequences = torch.randn(1, 2, 20, dtype=torch.float64)
    at, seen = 12, []
    for frame in range(20):
        changed = sequences.clone()
        changed[..., frame] += 5
        if not torch.equal(block(changed)[..., at], block(sequences)[..., at]):
            seen.append(frame)
    assert max(seen) == at
    assert min(seen) >= at - reach
    assert all((at - frame) % dilation == 0 for frame in seen)


def test_channels_are_what_loops_over_nodes_and_edges_make() -> None:
    net, one = tiny().eval(), patches(1)
    mixed = torch.stack([sum(net.adjacency[i, j] * one[:, :, j] for j in range(NODES)) for i in range(NODES)], 2)  # type: ignore[misc]
    nodes = [net.node_channel(mixed[:, :, i].transpose(1, 2)).mean(-1) for i in range(NODES)]
    edges = [
        net.edge_channel((one[:, :, j] - one[:, :, i]).transpose(1, 2)).mean(-1) for i, j in landmark_edges().tolist()
    ]
    torch.testing.assert_close(net(one), net.head(torch.cat([*nodes, *edges], dim=1)))


def test_adjacency_is_learned() -> None:
    net = tiny()
    net(patches(2)).sum().backward()
    assert net.adjacency.grad is not None
    assert (net.adjacency.grad.abs() > 0).float().mean() > 0.9  # links that the landmark graph lacks, too


def test_edges_do_not_see_what_all_patches_share() -> None:
    net, one = tiny().eval(), patches(1)
    shifted = one + torch.randn(1, FRAMES, 1, PIXELS)
    for block in (net.node_channel,):
        for parameter in block.parameters():
            parameter.data.zero_()
    torch.testing.assert_close(net(shifted), net(one))


def test_clips_do_not_meet_in_a_batch() -> None:
    check_batch_does_not_matter(tiny(), [patches(3)])


def test_learns_ten_clips_by_heart() -> None:
    check_learns_by_heart(tiny(), [patches(10)], lr=1e-2, steps=20)


def test_patches_of_other_landmarks_are_refused() -> None:
    with pytest.raises(MerError, match=r"patches \(B, T, 28, P\)"):
        tiny()(torch.zeros(2, FRAMES, 68, PIXELS))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernel": 0}, r"model\.kernel"),
        ({"widths": (0,)}, r"model\.widths"),
        ({"dropout": 2}, r"model\.dropout"),
        ({"in_channels": (9, 9)}, "one input"),
    ],
)
def test_setting_out_of_bounds_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(MerError, match=message):
        tiny(**settings)
