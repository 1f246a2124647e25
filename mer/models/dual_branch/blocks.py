"""Residual block with CBAM spatial attention (paper, Fig. 4 and eq. 10)."""

import torch
from torch import Tensor, nn

_ATTENTION_KERNEL = 7  # CBAM's own choice, Woo et al., ECCV 2018


class SpatialAttention(nn.Module):
    """``M = sigmoid(conv7x7([mean over channels; max over channels]))``, one map for all channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, _ATTENTION_KERNEL, padding=_ATTENTION_KERNEL // 2, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """``(B, C, H, W)`` -> the map in (0, 1), ``(B, 1, H, W)``."""
        pooled = torch.cat([features.mean(-3, keepdim=True), features.amax(-3, keepdim=True)], dim=-3)
        weights: Tensor = self.conv(pooled).sigmoid()
        return weights


class AttentionBlock(nn.Module):
    """BasicBlock whose residual is weighted by spatial attention after its second BN, before the sum.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        stride: stride of the first convolution.
        attention: without it the block is ResNet's own.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, attention: bool = True) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.attention = SpatialAttention() if attention else None
        self.shortcut = _shortcut(in_channels, out_channels, stride)

    def forward(self, features: Tensor) -> Tensor:
        """``(B, C_in, H, W)`` -> ``(B, C_out, H / stride, W / stride)``."""
        residual: Tensor = self.residual(features)
        if self.attention is not None:
            residual = residual * self.attention(residual)
        shortcut: Tensor = self.shortcut(features)
        return (residual + shortcut).relu()


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    conv = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))
