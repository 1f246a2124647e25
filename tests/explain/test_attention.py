"""Attention by depth: the very maps that the blocks weigh their residuals with."""

import torch

from mer.explain.attention import attention_maps
from mer.models import STSTNet
from tests.explain.nets import dual_branch, inputs


def test_each_block_gives_its_map_in_order() -> None:
    net, features = dual_branch(depth=3), inputs()
    found = attention_maps(net, features)
    assert list(found) == ["a", "b"]
    assert [one.shape[-1] for one in found["a"]] == [28, 14, 14]
    with torch.no_grad():
        stem, *blocks = net.branch_b
        maps = stem(features[1])
        for block, seen in zip(blocks, found["b"], strict=True):
            residual = block.residual(maps)
            weights = torch.sigmoid(
                block.attention.conv(torch.stack([residual.mean(1), residual.max(1).values], dim=1))
            )
            torch.testing.assert_close(seen, weights[:, 0])
            maps = torch.relu(residual * weights + block.shortcut(maps))
    assert not any(module._forward_hooks for module in net.modules())


def test_a_network_without_attention_has_none() -> None:
    assert attention_maps(STSTNet(3).eval(), [torch.rand(1, 3, 28, 28)]) == {}
    assert attention_maps(dual_branch(attention=False), inputs()) == {}
