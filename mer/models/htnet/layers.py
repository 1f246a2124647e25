"""Layers of a transformer whose attention stays inside blocks of a map."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

_Maps = Float[Tensor, "batch channel height width"]


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each place, with a factor and an offset a channel."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, maps: _Maps) -> _Maps:
        """``(B, C, H, W)`` -> the same shape."""
        return nn.functional.layer_norm(
            maps.movedim(1, -1), (len(self.weight),), self.weight, self.bias, self.eps
        ).movedim(-1, 1)


class Attention(nn.Module):
    """Self-attention among the tokens of a map.

    Args:
        channels: of the map.
        heads: their width is ``channels // heads``; what is left over is dropped between the projections.
        dropout: probability on the attention weights and the output.
    """

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.width = heads, channels // heads
        self.qkv = nn.Conv2d(channels, 3 * heads * self.width, 1, bias=False)
        self.out = nn.Conv2d(heads * self.width, channels, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, maps: _Maps) -> _Maps:
        """``(B, C, H, W)`` -> the same shape."""
        height, width = maps.shape[-2:]
        query, key, value = self.qkv(maps).flatten(2).unflatten(1, (3, self.heads, self.width)).unbind(1)
        weights = torch.einsum("bhdi,bhdj->bhij", query, key) * self.width**-0.5
        mixed = torch.einsum("bhij,bhdj->bhdi", self.dropout(weights.softmax(dim=-1)), value)
        output: Tensor = self.dropout(self.out(mixed.reshape(len(maps), -1, height, width)))
        return output


class EncoderLayer(nn.Module):
    """Attention, then a two-layer perceptron at each token, each on normalised maps and beside a shortcut."""

    def __init__(self, channels: int, heads: int, mlp: int, dropout: float) -> None:
        super().__init__()
        self.attend = nn.Sequential(ChannelNorm(channels), Attention(channels, heads, dropout))
        self.think = nn.Sequential(
            ChannelNorm(channels),
            nn.Conv2d(channels, mlp * channels, 1),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Conv2d(mlp * channels, channels, 1),
            nn.Dropout(dropout),
        )

    def forward(self, maps: _Maps) -> _Maps:
        """``(B, C, H, W)`` -> the same shape."""
        maps = maps + self.attend(maps)
        output: Tensor = maps + self.think(maps)
        return output


def to_blocks(maps: _Maps, blocks: int) -> Tensor:
    """Part maps into ``blocks`` x ``blocks``: ``(B, C, H, W)`` -> ``(B blocks^2, C, H / blocks, W / blocks)``."""
    parted = maps.unflatten(3, (blocks, -1)).unflatten(2, (blocks, -1))  # type: ignore[no-untyped-call]
    merged: Tensor = parted.permute(0, 2, 4, 1, 3, 5).flatten(0, 2)
    return merged


def from_blocks(parts: Tensor, blocks: int) -> _Maps:
    """What :func:`to_blocks` made, put together again."""
    split = parts.unflatten(0, (-1, blocks, blocks))  # type: ignore[no-untyped-call]
    whole: Tensor = split.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)
    return whole
