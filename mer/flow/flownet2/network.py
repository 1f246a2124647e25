"""FlowNet 2.0: FlowNetC and two FlowNetS in a row, FlowNetSD beside them, and the network that merges both flows."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mer.flow.flownet2.subnetworks import FlowNetC, FlowNetFusion, FlowNetS, FlowNetSD
from mer.flow.flownet2.warping import channel_norm, warp

SIDE_MULTIPLE = 64  # px: six levels halve the image
_FLOW_SCALE_PX = 20.0  # C and S tell flow in this unit, SD in its inverse
_FINEST = 4  # px of the image a cell of their flow


class FlowNet2Network(nn.Module):
    """The whole stack: 162,518,834 parameters, under the names of NVIDIA's checkpoint.

    The networks compute in the type of their parameters, float32 or a half type; images are warped, and what is
    left of their difference is measured, in float32.

    Which flow is enlarged bilinearly and which by repetition is the published code's choice, and so is SD's unit.

    Source: Ilg et al., CVPR 2017, doi 10.1109/CVPR.2017.179, Fig. 2.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flownetc = FlowNetC()
        self.flownets_1 = FlowNetS()
        self.flownets_2 = FlowNetS()
        self.flownets_d = FlowNetSD()
        self.flownetfusion = FlowNetFusion()

    def forward(
        self, first: Float[Tensor, "batch 3 height width"], second: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 2 height width"]:
        """Flow from ``first`` to ``second``, RGB in [0, 1], sides multiples of 64 px -> ``(B, 2, H, W)`` in px.

        The mean colour of each pair is taken from both its images. The published code sees grey values of 0 to 255
        and divides by 255 after that, which is the same.
        """
        mean = (first + second).mean(dim=(2, 3), keepdim=True) / 2
        one, two = first - mean, second - mean
        pair = (one, two)
        flow = _enlarge(_run(self.flownetc, *pair) * _FLOW_SCALE_PX, "bilinear")
        flow = _enlarge(_run(self.flownets_1, *pair, *_told(one, two, flow)) * _FLOW_SCALE_PX, "bilinear")
        flow = _enlarge(_run(self.flownets_2, *pair, *_told(one, two, flow)) * _FLOW_SCALE_PX, "nearest")
        small = _enlarge(_run(self.flownets_d, *pair) / _FLOW_SCALE_PX, "nearest")
        lengths = channel_norm(small), channel_norm(flow)
        left = channel_norm(one - warp(two, small)), channel_norm(one - warp(two, flow))
        return _run(self.flownetfusion, one, small, flow, *lengths, *left)


def _told(one: Tensor, two: Tensor, flow: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What a network is told of the flow before it: the warped image, the flow, what is left of the difference."""
    warped = warp(two, flow)
    return warped, flow / _FLOW_SCALE_PX, channel_norm(one - warped)


def _run(network: nn.Module, *maps: Tensor) -> Tensor:
    dtype = next(network.parameters()).dtype
    result: Tensor = network(torch.cat(maps, dim=1).to(dtype))
    return result.float()


def _enlarge(flow: Tensor, mode: str) -> Tensor:
    return F.interpolate(flow, scale_factor=_FINEST, mode=mode, align_corners=None if mode == "nearest" else False)
