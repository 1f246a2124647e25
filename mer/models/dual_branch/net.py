"""The dual-branch network (paper, sections 2.3 and 3.2)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError, require_choice, require_integer, require_number
from mer.models.cam import CamLayers, cell_grid
from mer.models.dual_branch.blocks import AttentionBlock
from mer.models.dual_branch.fusion import GatedFusion

RESNET34_BLOCKS = (3, 4, 6, 3)
RESNET34_WIDTHS = (64, 128, 256, 512)
_SMALL_INPUT_PX = 64
_FUSIONS = ("add", "concat", "multiply", "gated")
_LARGEST_HEAD = 1024  # px; beyond any grid of feature maps
_BRANCHES = ("both", "a", "b")


def deal_blocks(depth: int, stages: int = 4) -> list[int]:
    """Deal ``depth`` blocks over the stages in ResNet-34's proportion.

    The last stage gets one first, so that the head never changes; the rest go by largest remainder.
    16 blocks over 4 stages are ResNet-34's 3, 4, 6, 3.

    Raises:
        MerError: fewer than 1 block or more than 16, or not 1 to 4 stages.
    """
    depth = require_integer("model.depth", depth, 1, sum(RESNET34_BLOCKS))
    require_integer("number of model.widths", stages, 1, len(RESNET34_BLOCKS))
    share = list(RESNET34_BLOCKS[:stages])
    share[-1] -= 1
    quotas = [(depth - 1) * part / sum(share) for part in share]
    blocks = [int(quota) for quota in quotas]
    by_remainder = sorted(range(stages), key=lambda stage: blocks[stage] - quotas[stage])
    for stage in by_remainder[: depth - 1 - sum(blocks)]:
        blocks[stage] += 1
    blocks[-1] += 1
    return blocks


class Branch(nn.Sequential):
    """Stem and residual stages: ``(B, C, H, W)`` -> ``(B, widths[-1], h, w)``.

    A stage that got no block halves by average pooling, so that the last maps have one size at every depth.
    """

    def __init__(self, in_channels: int, depth: int, widths: Sequence[int], attention: bool, input_size: int) -> None:
        dealt = deal_blocks(depth, len(widths))
        layers: list[nn.Module] = [_stem(in_channels, widths[0], input_size)]
        channels = widths[0]
        for stage, (blocks, width) in enumerate(zip(dealt, widths, strict=True)):
            stride = 1 if stage == 0 else 2
            if not blocks and stride == 2:
                layers.append(nn.AvgPool2d(2, ceil_mode=True))
            for block in range(blocks):
                layers.append(AttentionBlock(channels, width, stride if block == 0 else 1, attention))
                channels = width
        super().__init__(*layers)

    def path(self) -> list[nn.Module]:
        """The layers that a map passes one behind the other, without shortcuts and attention beside them."""
        beside = ("shortcut", "attention")
        return [layer for name, layer in self.named_modules() if not any(part in name for part in beside)]


class DualBranchNet(nn.Module):
    """Two branches of residual blocks with spatial attention, their last maps fused, then one linear layer.

    The softmax of the paper is left to the loss and to ``predict``: the output is logits.

    Args:
        num_classes: number of logits.
        depth: blocks a branch, 1 to 16; dealt over the stages by :func:`deal_blocks`.
        widths: channels of the stages, one to four of them.
        attention: CBAM spatial attention in every block.
        fusion: ``add`` (eq. 12), ``concat``, ``multiply`` or ``gated`` (:class:`GatedFusion`); without effect
            where one branch is alone.
        input_size: px; below 64 the stem keeps the resolution.
        in_channels: channels of each branch's input.
        head_size: side of the grid that the fused maps are averaged to before the linear layer; 1 is global pooling.
        dropout: probability before the linear layer.
        branches: ``both``, or ``a`` or ``b`` alone; the other one is then not built, and its input passed over.
    """

    def __init__(
        self,
        num_classes: int,
        depth: int = 16,
        widths: Sequence[int] = RESNET34_WIDTHS,
        attention: bool = True,
        fusion: str = "add",
        input_size: int = 112,
        in_channels: Sequence[int] = (3, 3),
        head_size: int = 1,
        dropout: float = 0.0,
        branches: str = "both",
    ) -> None:
        super().__init__()
        self.fusion = require_choice("model.fusion", fusion, _FUSIONS)
        if len(in_channels) != 2:
            raise MerError("two inputs for the dual-branch network", f"{len(in_channels)}", "set features.branch_b")
        self.branches = require_choice("model.branches", branches, _BRANCHES)
        self.branch_a, self.branch_b = (
            Branch(channels, depth, widths, attention, input_size) if branches in ("both", name) else None
            for name, channels in zip("ab", in_channels, strict=True)
        )
        fused = widths[-1] * (2 if (branches, fusion) == ("both", "concat") else 1)
        head_size = require_integer("model.head_size", head_size, 1, _LARGEST_HEAD)
        self.pool = nn.AdaptiveAvgPool2d(head_size)
        self.dropout = nn.Dropout(require_number("model.dropout", dropout, 0, 1))
        self.head = nn.Linear(fused * head_size**2, num_classes)
        _initialise(self)
        self.gate = GatedFusion(widths[-1]) if (branches, fusion) == ("both", "gated") else None

    def forward(
        self,
        first: Float[Tensor, "batch channel_a height width"],
        second: Float[Tensor, "batch channel_b height width"],
    ) -> Float[Tensor, "batch classes"]:
        """``(B, C_a, H, W)``, ``(B, C_b, H, W)`` -> logits ``(B, num_classes)``.

        Raises:
            MerError: the branches' inputs differ in batch or size.
        """
        if first.shape[:-3] != second.shape[:-3] or first.shape[-2:] != second.shape[-2:]:
            raise MerError(f"a second input like {tuple(first.shape)}", f"{tuple(second.shape)}", "pair the features")
        logits: Tensor = self.head(self.dropout(self.pool(self.fused_maps(first, second)).flatten(-3)))
        return logits

    @property
    def cam_layers(self) -> CamLayers:
        """The branches' last maps, and the fused ones before the pool."""
        built = {name: branch for name, branch in (("a", self.branch_a), ("b", self.branch_b)) if branch is not None}
        grid = cell_grid(next(iter(built.values())).path())
        return CamLayers(built, grid, self.pool, head_tells_places=self.pool.output_size != 1)

    def fused_maps(self, first: Tensor, second: Tensor) -> Tensor:
        """The branches' last maps, fused, or those of the one branch: ``(B, C, h, w)``."""
        maps = [
            branch(features)
            for branch, features in ((self.branch_a, first), (self.branch_b, second))
            if branch is not None
        ]
        return self.fuse(*maps) if len(maps) == 2 else maps[0]

    def fuse(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse the branches' last maps, each ``(B, C, h, w)``."""
        if self.gate is not None:
            gated: Tensor = self.gate(first, second)
            return gated
        if self.fusion == "concat":
            return torch.cat([first, second], dim=-3)
        return first * second if self.fusion == "multiply" else first + second


def _stem(in_channels: int, width: int, input_size: int) -> nn.Sequential:
    if input_size < _SMALL_INPUT_PX:
        conv: list[nn.Module] = [nn.Conv2d(in_channels, width, 3, padding=1, bias=False)]
        pool: list[nn.Module] = []
    else:
        conv = [nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)]
        pool = [nn.MaxPool2d(3, stride=2, padding=1)]
    return nn.Sequential(*conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True), *pool)


def _initialise(net: nn.Module) -> None:
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
