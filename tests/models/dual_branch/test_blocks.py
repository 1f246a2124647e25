"""Spatial attention and the residual block that holds it."""

import pytest
import torch
from torch import Tensor, nn

from mer.models.dual_branch.blocks import AttentionBlock, SpatialAttention


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def pooled_maps(attention: SpatialAttention, features: Tensor) -> Tensor:
    """What the attention's convolution sees."""
    seen: list[Tensor] = []
    handle = attention.conv.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    attention(features)
    handle.remove()
    return seen[0]


def test_attention_has_98_weights_and_no_bias() -> None:
    assert [tuple(weight.shape) for weight in SpatialAttention().parameters()] == [(1, 2, 7, 7)]


def test_zero_weights_give_one_half_everywhere() -> None:
    attention = SpatialAttention()
    nn.init.zeros_(attention.conv.weight)
    assert (attention(torch.randn(2, 5, 9, 7)) == 0.5).all()


def test_one_map_between_0_and_1_serves_all_channels() -> None:
    maps = SpatialAttention()(torch.randn(2, 5, 9, 7))
    assert maps.shape == (2, 1, 9, 7)
    assert maps.min() > 0
    assert maps.max() < 1
    assert maps.std() > 0


def test_attention_sees_mean_then_maximum_over_channels() -> None:
    features = torch.randn(2, 5, 9, 7)
    expected = torch.stack([features.sum(1) / 5, features.max(1).values], dim=1)
    torch.testing.assert_close(pooled_maps(SpatialAttention(), features), expected)


def test_raising_all_channels_raises_both_pools_alike() -> None:
    attention, features = SpatialAttention(), torch.randn(2, 5, 9, 7)
    before, after = pooled_maps(attention, features), pooled_maps(attention, features + 3)
    torch.testing.assert_close(after, before + 3)


def test_attention_ignores_the_order_of_channels() -> None:
    attention, features = SpatialAttention(), torch.randn(2, 5, 9, 7)
    torch.testing.assert_close(attention(features[:, [3, 1, 4, 0, 2]]), attention(features))


def test_attention_weights_the_residual_before_the_sum() -> None:
    block = AttentionBlock(4, 4).eval()
    assert block.attention is not None
    features = torch.randn(2, 4, 8, 8)
    residual = block.residual(features)
    torch.testing.assert_close(block(features), (residual * block.attention(residual) + features).relu())
    nn.init.zeros_(block.attention.conv.weight)
    torch.testing.assert_close(block(features), (residual / 2 + features).relu())


def test_block_without_attention_is_a_plain_residual_block() -> None:
    block = AttentionBlock(4, 4, attention=False).eval()
    features = torch.randn(2, 4, 8, 8)
    conv1, norm1, _, conv2, norm2 = block.residual
    expected = torch.relu(norm2(conv2(torch.relu(norm1(conv1(features))))) + features)
    torch.testing.assert_close(block(features), expected)


@pytest.mark.parametrize(("in_channels", "out_channels", "stride"), [(4, 4, 1), (4, 4, 2), (4, 6, 1), (4, 6, 2)])
@pytest.mark.parametrize("size", [7, 8])
def test_block_halves_by_its_stride_rounded_up(in_channels: int, out_channels: int, stride: int, size: int) -> None:
    out = AttentionBlock(in_channels, out_channels, stride)(torch.randn(2, in_channels, size, size))
    assert out.shape == (2, out_channels, -(-size // stride), -(-size // stride))
    assert out.min() >= 0


def test_shortcut_is_the_identity_only_where_shapes_agree() -> None:
    assert isinstance(AttentionBlock(4, 4).shortcut, nn.Identity)
    assert sum(weight.numel() for weight in AttentionBlock(4, 6, 2).shortcut.parameters()) == 4 * 6 + 2 * 6
