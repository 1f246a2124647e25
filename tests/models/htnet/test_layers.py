"""Blocks, normalisation and attention against independent computation."""

import torch

from mer.models.htnet.layers import Attention, ChannelNorm, from_blocks, to_blocks


def test_blocks_are_cut_out_row_by_row() -> None:
    maps = torch.arange(2 * 3 * 4 * 6, dtype=torch.float32).view(2, 3, 4, 6)
    parts = to_blocks(maps, 2)
    assert parts.shape == (8, 3, 2, 3)
    cut = [maps[clip, :, 2 * row : 2 * row + 2, 3 * column : 3 * column + 3]
           for clip in range(2) for row in range(2) for column in range(2)]  # fmt: skip
    torch.testing.assert_close(parts, torch.stack(cut))
    torch.testing.assert_close(from_blocks(parts, 2), maps)


def test_norm_is_that_of_each_place_over_channels() -> None:
    maps, norm = torch.randn(2, 5, 3, 4) * 3 + 1, ChannelNorm(5)
    norm.weight.data, norm.bias.data = torch.randn(5), torch.randn(5)
    centred = maps - maps.mean(1, keepdim=True)
    scaled = centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(norm(maps), scaled * norm.weight[:, None, None] + norm.bias[:, None, None])


def test_attention_is_that_of_torch() -> None:
    torch.manual_seed(0)
    ours, theirs = Attention(12, 3, 0.0), torch.nn.MultiheadAttention(12, 3, batch_first=True)
    theirs.in_proj_weight.data = ours.qkv.weight.data[:, :, 0, 0]
    assert theirs.in_proj_bias is not None
    assert ours.out.bias is not None
    theirs.in_proj_bias.data.zero_()
    theirs.out_proj.weight.data = ours.out.weight.data[:, :, 0, 0]
    theirs.out_proj.bias.data = ours.out.bias.data
    maps = torch.randn(2, 12, 3, 2)
    tokens = maps.flatten(2).transpose(1, 2)
    expected = theirs(tokens, tokens, tokens)[0].transpose(1, 2).unflatten(-1, (3, 2))
    torch.testing.assert_close(ours(maps), expected)


def test_one_token_attends_to_itself_alone() -> None:
    torch.manual_seed(0)
    layer, token = Attention(8, 2, 0.0), torch.randn(3, 8, 1, 1)
    value = torch.nn.functional.conv2d(token, layer.qkv.weight[16:])
    torch.testing.assert_close(layer(token), layer.out(value))
