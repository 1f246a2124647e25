"""FlowNet 2.0 once more, slowly and in float64, written from its description and fed by a checkpoint's names alone.

Nothing of mer is used: correlation by loops, warping by SciPy, enlargement by a matrix.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy.ndimage import map_coordinates
from torch import Tensor

Array = npt.NDArray[np.float64]
State = Mapping[str, Tensor]


class Layers:
    """The layers of the network whose names start with ``prefix``."""

    def __init__(self, state: State, prefix: str) -> None:
        self.state = state
        self.prefix = prefix

    def _of(self, name: str) -> tuple[Tensor, Tensor | None]:
        bias = self.state.get(f"{self.prefix}{name}.bias")
        return self.state[f"{self.prefix}{name}.weight"].double(), None if bias is None else bias.double()

    def conv(self, name: str, maps: Tensor, stride: int = 1) -> Tensor:
        return leaky(self.plain(f"{name}.0", maps, stride))

    def plain(self, name: str, maps: Tensor, stride: int = 1) -> Tensor:
        weight, bias = self._of(name)
        return F.conv2d(maps, weight, bias, stride=stride, padding=(weight.shape[-1] - 1) // 2)

    def deconv(self, name: str, maps: Tensor) -> Tensor:
        return leaky(self.doubled(f"{name}.0", maps))

    def doubled(self, name: str, maps: Tensor) -> Tensor:
        weight, bias = self._of(name)
        return F.conv_transpose2d(maps, weight, bias, stride=2, padding=1)


def leaky(maps: Tensor) -> Tensor:
    return torch.where(maps > 0, maps, 0.1 * maps)


def correlation(first: Array, second: Array) -> Array:
    """``(C, H, W)`` twice -> ``(441, H, W)``."""
    channels, height, width = first.shape
    out = np.zeros((441, height, width))
    for channel in range(441):
        dy, dx = 2 * (channel // 21 - 10), 2 * (channel % 21 - 10)
        for y in range(height):
            for x in range(width):
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    out[channel, y, x] = first[:, y, x] @ second[:, y + dy, x + dx] / channels
    return out


def warp(image: Array, flow: Array) -> Array:
    """``(C, H, W)`` and ``(2, H, W)`` -> ``(C, H, W)``."""
    y, x = np.mgrid[: image.shape[1], : image.shape[2]].astype(float)
    return np.stack([map_coordinates(one, [y + flow[1], x + flow[0]], order=1, mode="nearest") for one in image])


def enlarge_bilinear(maps: Array) -> Array:
    """Fourfold, cell centres kept in place, the border cell repeated."""

    def weights(cells: int) -> Array:
        table = np.zeros((4 * cells, cells))
        for out in range(4 * cells):
            at = (out + 0.5) / 4 - 0.5
            left = int(np.floor(at))
            for cell, weight in ((left, left + 1 - at), (left + 1, at - left)):
                table[out, min(max(cell, 0), cells - 1)] += weight
        return table

    result: Array = weights(maps.shape[-2]) @ maps @ weights(maps.shape[-1]).T
    return result


def enlarge_nearest(maps: Array) -> Array:
    return maps.repeat(4, axis=-1).repeat(4, axis=-2)


def norm(maps: Array) -> Array:
    return np.sqrt((maps**2).sum(axis=0, keepdims=True))


def flownet_c(state: State, prefix: str, pair: Array) -> Array:
    net = Layers(state, prefix)
    conv2, conv3 = [], []
    for image in (pair[:3], pair[3:]):
        conv2.append(net.conv("conv2", net.conv("conv1", torch.from_numpy(image)[None], 2), 2))
        conv3.append(net.conv("conv3", conv2[-1], 2))
    costs = leaky(torch.from_numpy(correlation(conv3[0][0].numpy(), conv3[1][0].numpy()))[None])
    conv3_1 = net.conv("conv3_1", torch.cat([net.conv("conv_redir", conv3[0]), costs], 1))
    return _six_levels(net, conv2[0], conv3_1, inter=False)


def flownet_s(state: State, prefix: str, maps: Array) -> Array:
    net = Layers(state, prefix)
    conv2 = net.conv("conv2", net.conv("conv1", torch.from_numpy(maps)[None], 2), 2)
    return _six_levels(net, conv2, net.conv("conv3_1", net.conv("conv3", conv2, 2)), inter=False)


def flownet_sd(state: State, prefix: str, pair: Array) -> Array:
    net = Layers(state, prefix)
    conv0 = net.conv("conv0", torch.from_numpy(pair)[None])
    conv1 = net.conv("conv1_1", net.conv("conv1", conv0, 2))
    conv2 = net.conv("conv2_1", net.conv("conv2", conv1, 2))
    return _six_levels(net, conv2, net.conv("conv3_1", net.conv("conv3", conv2, 2)), inter=True)


def _six_levels(net: Layers, conv2: Tensor, conv3: Tensor, inter: bool) -> Array:
    def predict(name: str, maps: Tensor) -> Tensor:
        return net.plain(f"predict_flow{name}", net.plain(f"inter_conv{name}.0", maps) if inter else maps)

    conv4 = net.conv("conv4_1", net.conv("conv4", conv3, 2))
    conv5 = net.conv("conv5_1", net.conv("conv5", conv4, 2))
    conv6 = net.conv("conv6_1", net.conv("conv6", conv5, 2))
    flow6 = net.plain("predict_flow6", conv6)
    concat5 = torch.cat([conv5, net.deconv("deconv5", conv6), net.doubled("upsampled_flow6_to_5", flow6)], 1)
    flow5 = predict("5", concat5)
    concat4 = torch.cat([conv4, net.deconv("deconv4", concat5), net.doubled("upsampled_flow5_to_4", flow5)], 1)
    flow4 = predict("4", concat4)
    concat3 = torch.cat([conv3, net.deconv("deconv3", concat4), net.doubled("upsampled_flow4_to_3", flow4)], 1)
    flow3 = predict("3", concat3)
    concat2 = torch.cat([conv2, net.deconv("deconv2", concat3), net.doubled("upsampled_flow3_to_2", flow3)], 1)
    return predict("2", concat2)[0].numpy()


def flownet_fusion(state: State, prefix: str, maps: Array) -> Array:
    net = Layers(state, prefix)
    conv0 = net.conv("conv0", torch.from_numpy(maps)[None])
    conv1 = net.conv("conv1_1", net.conv("conv1", conv0, 2))
    conv2 = net.conv("conv2_1", net.conv("conv2", conv1, 2))
    flow2 = net.plain("predict_flow2", conv2)
    concat1 = torch.cat([conv1, net.deconv("deconv1", conv2), net.doubled("upsampled_flow2_to_1", flow2)], 1)
    flow1 = net.plain("predict_flow1", net.plain("inter_conv1.0", concat1))
    concat0 = torch.cat([conv0, net.deconv("deconv0", concat1), net.doubled("upsampled_flow1_to_0", flow1)], 1)
    return net.plain("predict_flow0", net.plain("inter_conv0.0", concat0))[0].numpy()


def flownet2(state: State, first: Array, second: Array) -> Array:
    """Two RGB images ``(3, H, W)`` of 0 to 255 -> flow ``(2, H, W)`` in px."""
    mean = np.stack([first, second]).mean(axis=(0, 2, 3))[:, None, None]
    one, two = (first - mean) / 255, (second - mean) / 255
    pair = np.concatenate([one, two])

    def told(flow: Array) -> Array:
        warped = warp(two, flow)
        return np.concatenate([one, two, warped, flow / 20, norm(one - warped)])

    flow_c = enlarge_bilinear(20 * flownet_c(state, "flownetc.", pair))
    flow_1 = enlarge_bilinear(20 * flownet_s(state, "flownets_1.", told(flow_c)))
    flow_2 = enlarge_nearest(20 * flownet_s(state, "flownets_2.", told(flow_1)))
    flow_d = enlarge_nearest(flownet_sd(state, "flownets_d.", pair) / 20)
    left_d, left_2 = norm(one - warp(two, flow_d)), norm(one - warp(two, flow_2))
    return flownet_fusion(
        state, "flownetfusion.", np.concatenate([one, flow_d, flow_2, norm(flow_d), norm(flow_2), left_d, left_2])
    )
