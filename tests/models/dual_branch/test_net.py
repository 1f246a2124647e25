"""The dual-branch network: layout, size, fusion, and that it learns."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mer.errors import MerError
from mer.models import DualBranchNet, deal_blocks
from mer.models.dual_branch.blocks import AttentionBlock
from mer.models.dual_branch.net import RESNET34_WIDTHS, Branch

DEPTHS = range(1, 17)
TINY: dict[str, Any] = {"depth": 4, "widths": (4, 6, 8, 10), "input_size": 28}
RESNET34_BACKBONE_PARAMETERS = 21_284_672  # 21,797,672 of the ImageNet network less its 1000-class layer's 513,000


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def inputs(batch: int = 3, size: int = 28) -> tuple[Tensor, Tensor]:
    return torch.randn(batch, 3, size, size), torch.randn(batch, 3, size, size)


def inputs_of(seed: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    return inputs()


def n_parameters(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def branch(depth: int, attention: bool = True) -> Branch:
    with torch.device("meta"):
        return Branch(3, depth, RESNET34_WIDTHS, attention, input_size=112)


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_dealt_blocks_sum_to_the_depth_and_serve_the_last_stage(stages: int) -> None:
    for depth in DEPTHS:
        blocks = deal_blocks(depth, stages)
        assert len(blocks) == stages
        assert sum(blocks) == depth
        assert blocks[-1] >= 1
        assert min(blocks) >= 0


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_one_more_block_takes_none_away_from_a_stage(stages: int) -> None:
    for depth in range(1, 16):
        fewer, more = deal_blocks(depth, stages), deal_blocks(depth + 1, stages)
        assert all(one <= other for one, other in zip(fewer, more, strict=True))


def test_sixteen_blocks_are_dealt_as_in_resnet34() -> None:
    assert deal_blocks(16) == [3, 4, 6, 3]


@pytest.mark.parametrize(("depth", "stages"), [(0, 4), (17, 4), (2.5, 4), ("8", 4), (8, 0), (8, 5)])
def test_depth_or_stages_out_of_bounds_are_refused(depth: int, stages: int) -> None:
    with pytest.raises(MerError, match=r"model\.(depth|widths)"):
        deal_blocks(depth, stages)


@pytest.mark.parametrize(("size", "side"), [(28, 4), (56, 7), (100, 4), (112, 4)])
def test_last_maps_have_one_size_at_every_depth(size: int, side: int) -> None:
    image = torch.randn(1, 2, size, size)
    for depth in DEPTHS:
        maps = Branch(2, depth, (2, 3, 4, 5), attention=True, input_size=size).eval()(image)
        assert maps.shape == (1, 5, side, side), depth


@pytest.mark.parametrize("depth", [1, 5, 16])
def test_branch_holds_as_many_blocks_as_asked(depth: int) -> None:
    assert sum(isinstance(module, AttentionBlock) for module in branch(depth)) == depth


def test_branch_without_attention_is_the_size_of_resnet34() -> None:
    assert n_parameters(branch(16, attention=False)) == RESNET34_BACKBONE_PARAMETERS


@pytest.mark.parametrize("depth", [1, 7, 16])
def test_attention_adds_98_weights_a_block(depth: int) -> None:
    assert n_parameters(branch(depth)) - n_parameters(branch(depth, attention=False)) == 98 * depth


@pytest.mark.parametrize("size", [28, 56, 112])
@pytest.mark.parametrize("num_classes", [3, 5])
def test_logits_are_one_row_a_clip(size: int, num_classes: int) -> None:
    net = DualBranchNet(num_classes, depth=4, widths=(4, 6, 8, 10), input_size=size)
    assert net(*inputs(2, size)).shape == (2, num_classes)


@pytest.mark.parametrize("fusion", ["add", "concat", "multiply"])
@pytest.mark.parametrize("head_size", [1, 2])
def test_logits_are_the_head_of_the_fused_maps(fusion: str, head_size: int) -> None:
    net = DualBranchNet(3, **TINY, fusion=fusion, head_size=head_size).eval()
    first, second = inputs()
    one, two = net.branch_a(first), net.branch_b(second)
    fused = {"add": one + two, "concat": torch.cat([one, two], 1), "multiply": one * two}[fusion]
    pooled = F.adaptive_avg_pool2d(fused, head_size).flatten(1)
    torch.testing.assert_close(net(first, second), pooled @ net.head.weight.T + net.head.bias)


def test_gated_maps_are_weighted_a_channel_and_pixel() -> None:
    net = DualBranchNet(3, **TINY, fusion="gated").eval()
    assert net.gate is not None
    nn.init.normal_(net.gate.gate.weight)
    nn.init.normal_(net.gate.gate.bias)
    first, second = inputs()
    one, two = net.branch_a(first), net.branch_b(second)
    weight, bias = net.gate.gate.weight[..., 0, 0].detach().numpy(), net.gate.gate.bias.detach().numpy()
    both = torch.cat([one, two], 1).detach().numpy()
    share = 1 / (1 + np.exp(-np.einsum("oc,bchw->bohw", weight, both) - bias[:, None, None]))
    assert share.std() > 0.05
    expected = 2 * (share * one.detach().numpy() + (1 - share) * two.detach().numpy())
    np.testing.assert_allclose(net.fuse(one, two).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_gate_begins_as_the_sum() -> None:
    torch.manual_seed(5)
    gated = DualBranchNet(3, **TINY, fusion="gated").eval()
    torch.manual_seed(5)
    added = DualBranchNet(3, **TINY).eval()
    torch.testing.assert_close(gated(*inputs_of(1)), added(*inputs_of(1)))


@pytest.mark.parametrize(("branches", "taken"), [("a", 0), ("b", 1)])
@pytest.mark.parametrize("fusion", ["add", "concat", "gated"])
def test_branch_alone_looks_at_its_own_input(branches: str, taken: int, fusion: str) -> None:
    net = DualBranchNet(3, **TINY, branches=branches, fusion=fusion).eval()
    pair = inputs()
    alone = [net.branch_a, net.branch_b][taken]
    assert alone is not None
    expected = alone(pair[taken]).mean(dim=(2, 3)) @ net.head.weight.T + net.head.bias
    torch.testing.assert_close(net(*pair), expected)


@pytest.mark.parametrize(("branches", "other"), [("a", "branch_b"), ("b", "branch_a")])
def test_branch_left_out_has_no_weights(branches: str, other: str) -> None:
    net = DualBranchNet(3, **TINY, branches=branches)
    both = DualBranchNet(3, **TINY)
    assert not [name for name, _ in net.named_parameters() if name.startswith(other)]
    assert n_parameters(net) == n_parameters(both) - n_parameters(getattr(both, other))


def test_branches_share_no_weight() -> None:
    net = DualBranchNet(3, **TINY)
    first, second = (set(map(id, part.parameters())) for part in (net.branch_a, net.branch_b))
    assert not first & second
    image = inputs()[0]
    assert not torch.allclose(net.branch_a(image), net.branch_b(image))


def test_branches_may_take_different_channels() -> None:
    net = DualBranchNet(3, **TINY, in_channels=(1, 4))
    assert net(torch.randn(2, 1, 28, 28), torch.randn(2, 4, 28, 28)).shape == (2, 3)


def test_output_of_a_clip_does_not_depend_on_its_batch() -> None:
    net = DualBranchNet(3, **TINY, dropout=0.5)
    net(*inputs(8))
    net.eval()
    first, second = inputs(5)
    alone = torch.cat([net(first[row : row + 1], second[row : row + 1]) for row in range(5)])
    torch.testing.assert_close(net(first, second), alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("fusion", ["add", "concat", "multiply", "gated"])
def test_gradient_reaches_every_weight_of_both_branches(fusion: str) -> None:
    net = DualBranchNet(3, **TINY, fusion=fusion)
    net(*inputs(4)).logsumexp(1).sum().backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


def test_a_dozen_random_clips_are_learned_by_heart() -> None:
    net = DualBranchNet(3, depth=2, widths=(8, 16), input_size=28)
    first, second = inputs(12, 16)
    targets = torch.arange(12) % 3
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        F.cross_entropy(net(first, second), targets).backward()
        optimizer.step()
    assert (net.eval()(first, second).argmax(1) == targets).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fusion": "subtract"}, r"model\.fusion.*'subtract'"),
        ({"in_channels": (3,)}, r"two inputs"),
        ({"branches": "c"}, r"model\.branches.*'c'"),
        ({"depth": 17}, r"model\.depth"),
        ({"widths": ()}, r"model\.widths"),
        ({"widths": (4, 4, 4, 4, 4)}, r"model\.widths"),
        ({"dropout": 1.5}, r"model\.dropout"),
    ],
)
def test_bad_setting_is_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(MerError, match=message):
        DualBranchNet(3, **(TINY | settings))


@pytest.mark.parametrize("shape", [(2, 3, 28, 28), (3, 3, 28, 32)])
def test_inputs_that_do_not_pair_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MerError, match="pair the features"):
        DualBranchNet(3, **TINY)(inputs()[0], torch.zeros(shape))
