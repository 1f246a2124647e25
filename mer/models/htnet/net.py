"""HTNet: a hierarchical transformer over four regions of a face."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError, require_integer, require_number
from mer.models.htnet.layers import ChannelNorm, EncoderLayer, from_blocks, to_blocks
from mer.models.inputs import require_inputs


class HTNet(nn.Module):
    """Patches as tokens, attention inside blocks of them, blocks joined and maps halved from level to level.

    Source: Wang, Zhang, Luo and Sankaranarayana 2023, arXiv:2307.14637, and its published code. There each level has as
    many blocks as tokens, so that attention is among one token and only the value projection is left of it;
    ``blocks=[2, 1, 1]`` gives it four. The paper's input are the regions of both eyes and lip corners, tiled:
    ``features=uveps_regions``.

    Args:
        num_classes: number of logits.
        input_size: height and width of the input, px.
        in_channels: channels of the one input.
        patch_px: side of a patch.
        width: channels of the first level; each next one has twice as many.
        heads: of the first level; each next one has twice as many.
        repeats: layers of each level.
        blocks: a side, of each level.
        mlp: hidden channels of the perceptrons, as a multiple.
        dropout: probability inside the layers.

    Raises:
        MerError: the input is not parted evenly, or a setting is out of bounds.
    """

    def __init__(
        self,
        num_classes: int,
        input_size: int = 28,
        in_channels: Sequence[int] = (3,),
        patch_px: int = 7,
        width: int = 256,
        heads: int = 3,
        repeats: Sequence[int] = (2, 2, 8),
        blocks: Sequence[int] = (4, 2, 1),
        mlp: int = 4,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        require_inputs("HTNet", in_channels, 1, "set features=uveps_regions")
        patch_px = require_integer("model.patch_px", patch_px, 1, 10_000)
        width = require_integer("model.width", width, 1, 10_000)
        heads = require_integer("model.heads", heads, 1, width)
        chance = require_number("model.dropout", dropout, 0, 1)
        if len(repeats) != len(blocks):
            raise MerError(f"{len(repeats)} of model.blocks, as of repeats", f"{len(blocks)}", "give one a level")
        sides = _level_sides(input_size, patch_px, blocks)
        self.patch_px, self.blocks = patch_px, tuple(blocks)
        pixels = in_channels[0] * patch_px**2
        self.embed = nn.Sequential(ChannelNorm(pixels), nn.Conv2d(pixels, width, 1), ChannelNorm(width))
        widths = [width * 2**level for level in range(len(blocks))]
        self.places = nn.ParameterList(
            torch.randn(side // count, side // count) for side, count in zip(sides, blocks, strict=True)
        )
        self.levels = nn.ModuleList(
            nn.Sequential(*(EncoderLayer(channels, heads * 2**level, mlp, chance) for _ in range(repeat)))
            for level, (channels, repeat) in enumerate(zip(widths, repeats, strict=True))
        )
        self.joints = nn.ModuleList(
            nn.Sequential(nn.Conv2d(low, high, 3, padding=1), ChannelNorm(high), nn.MaxPool2d(3, stride=2, padding=1))
            for low, high in pairwise(widths)
        )
        self.norm = ChannelNorm(widths[-1])
        self.head = nn.Linear(widths[-1], num_classes)

    def forward(self, maps: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch classes"]:
        """``(B, C, H, W)`` -> logits ``(B, num_classes)``."""
        tokens = self.embed(nn.functional.pixel_unshuffle(maps, self.patch_px))
        for level, (layers, blocks, places) in enumerate(zip(self.levels, self.blocks, self.places, strict=True)):
            if level:
                tokens = self.joints[level - 1](tokens)
            tokens = from_blocks(layers(to_blocks(tokens, blocks) + places), blocks)
        logits: Tensor = self.head(self.norm(tokens).mean(dim=(2, 3)))
        return logits


def _level_sides(input_size: int, patch_px: int, blocks: Sequence[int]) -> list[int]:
    """Tokens a side of each level."""
    if input_size % patch_px:
        raise MerError(f"features.size as a multiple of model.patch_px={patch_px}", f"{input_size}", "set it to 28")
    sides = [input_size // patch_px]
    for _ in blocks[1:]:
        sides.append((sides[-1] + 1) // 2)
    for side, count in zip(sides, blocks, strict=True):
        if side % require_integer("each of model.blocks", count, 1, side):
            raise MerError(f"{side} tokens a side parted evenly", f"{count} blocks", "set model.blocks=[4,2,1]")
    return sides
