"""The layers of FlowNet 2.0's networks, and the way back from coarse to fine that all five share."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

_SLOPE = 0.1  # of every leaky ReLU


def conv(in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution that keeps the size at stride 1, and a leaky ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=(kernel_size - 1) // 2), activation()
    )


def activation() -> nn.LeakyReLU:
    """The networks' leaky ReLU, in place: nothing is trained here."""
    return nn.LeakyReLU(_SLOPE, inplace=True)


class Refinement(nn.Module):
    """A network that predicts flow at its coarsest level and refines it level by level.

    At each finer level the maps that the encoder left there, the coarser level's maps and its flow, both doubled in
    size, are concatenated; the level's flow is predicted from that.

    Args:
        encoder: channels of the encoder's maps at each level; level ``n`` has ``1 / 2**n`` of the input's size.
        raised: channels that the coarser maps are brought to, at each level but the coarsest.
        smooth: predict from a convolution of the concatenated maps with ``raised`` channels, not from them.
        flow_bias: whether the layers that double the flow have a bias.
    """

    def __init__(self, encoder: Mapping[int, int], raised: Mapping[int, int], smooth: bool, flow_bias: bool) -> None:
        super().__init__()
        self.levels = sorted(raised, reverse=True)
        self.smooth = smooth
        coarsest = self.levels[0] + 1
        channels = encoder[coarsest]
        self.add_module(f"predict_flow{coarsest}", _predict_flow(channels))
        for level in self.levels:
            self.add_module(f"deconv{level}", _deconv(channels, raised[level]))
            self.add_module(_doubled(level), nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=flow_bias))
            channels = encoder[level] + raised[level] + 2
            if smooth:
                self.add_module(f"inter_conv{level}", nn.Sequential(nn.Conv2d(channels, raised[level], 3, padding=1)))
            self.add_module(f"predict_flow{level}", _predict_flow(raised[level] if smooth else channels))

    def refine(self, encoded: Mapping[int, Tensor]) -> Tensor:
        """The encoder's maps of each level, ``(B, C, H / 2**n, W / 2**n)`` -> flow of the finest ``(B, 2, ., .)``."""
        coarsest = self.levels[0] + 1
        maps = encoded[coarsest]
        flow = self._apply_to(f"predict_flow{coarsest}", maps)
        for level in self.levels:
            raised, doubled = self._apply_to(f"deconv{level}", maps), self._apply_to(_doubled(level), flow)
            maps = torch.cat([encoded[level], raised, doubled], dim=1)
            seen = self._apply_to(f"inter_conv{level}", maps) if self.smooth else maps
            flow = self._apply_to(f"predict_flow{level}", seen)
        return flow

    def _apply_to(self, name: str, maps: Tensor) -> Tensor:
        result: Tensor = self.get_submodule(name)(maps)
        return result


def _doubled(level: int) -> str:
    return f"upsampled_flow{level + 1}_to_{level}"


def _deconv(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1), activation())


def _predict_flow(in_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, 2, 3, padding=1)
