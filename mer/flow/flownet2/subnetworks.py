"""The four kinds of network that FlowNet 2.0 stacks. Levels are powers of two: level 2 has a quarter of the size.

Parameters bear the names of NVIDIA's checkpoints.

Source: Ilg et al., CVPR 2017, doi 10.1109/CVPR.2017.179; layers as in the published code.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mer.flow.flownet2.correlation import correlate
from mer.flow.flownet2.layers import Refinement, activation, conv

_ENCODER = {2: 128, 3: 256, 4: 512, 5: 512, 6: 1024}
_RAISED = {5: 512, 4: 256, 3: 128, 2: 64}
_CORRELATIONS = 441
_REDIRECTED = 32


class _SixLevels(Refinement):
    """C, S and SD from level 3 on."""

    def __init__(self, smooth: bool, flow_bias: bool) -> None:
        super().__init__(_ENCODER, _RAISED, smooth, flow_bias)
        self.conv4, self.conv4_1 = conv(256, 512, stride=2), conv(512, 512)
        self.conv5, self.conv5_1 = conv(512, 512, stride=2), conv(512, 512)
        self.conv6, self.conv6_1 = conv(512, 1024, stride=2), conv(1024, 1024)

    def _flow_from(self, level_2: Tensor, level_3: Tensor) -> Tensor:
        level_4 = self.conv4_1(self.conv4(level_3))
        level_5 = self.conv5_1(self.conv5(level_4))
        level_6 = self.conv6_1(self.conv6(level_5))
        return self.refine({2: level_2, 3: level_3, 4: level_4, 5: level_5, 6: level_6})


class FlowNetC(_SixLevels):
    """Compares the two images' maps by correlation: 39,175,298 parameters."""

    def __init__(self) -> None:
        super().__init__(smooth=False, flow_bias=True)
        self.conv1, self.conv2, self.conv3 = conv(3, 64, 7, 2), conv(64, 128, 5, 2), conv(128, 256, 5, 2)
        self.conv_redir = conv(256, _REDIRECTED, 1)
        self.conv3_1 = conv(_REDIRECTED + _CORRELATIONS, 256)
        self.correlation_activation = activation()

    def forward(self, pair: Float[Tensor, "batch 6 height width"]) -> Float[Tensor, "batch 2 height//4 width//4"]:
        """Two images, one after the other in the channels -> flow in 20 px."""
        batch = len(pair)
        both = torch.cat([pair[:, :3], pair[:, 3:]])  # the same layers see both images
        level_2 = self.conv2(self.conv1(both))
        level_3 = self.conv3(level_2)
        correlations = self.correlation_activation(correlate(level_3[:batch], level_3[batch:]))
        merged = torch.cat([self.conv_redir(level_3[:batch]), correlations], dim=1)
        return self._flow_from(level_2[:batch], self.conv3_1(merged))


class FlowNetS(_SixLevels):
    """Sees a pair, the second image warped by a first flow, this flow and what it leaves: 38,695,322 parameters."""

    def __init__(self) -> None:
        super().__init__(smooth=False, flow_bias=False)
        self.conv1, self.conv2 = conv(12, 64, 7, 2), conv(64, 128, 5, 2)
        self.conv3, self.conv3_1 = conv(128, 256, 5, 2), conv(256, 256)

    def forward(self, maps: Float[Tensor, "batch 12 height width"]) -> Float[Tensor, "batch 2 height//4 width//4"]:
        """Images, warped image, flow and difference -> flow in 20 px."""
        level_2 = self.conv2(self.conv1(maps))
        return self._flow_from(level_2, self.conv3_1(self.conv3(level_2)))


class FlowNetSD(_SixLevels):
    """Trained on small displacements, with small kernels: 45,371,666 parameters."""

    def __init__(self) -> None:
        super().__init__(smooth=True, flow_bias=True)
        self.conv0 = conv(6, 64)
        self.conv1, self.conv1_1 = conv(64, 64, stride=2), conv(64, 128)
        self.conv2, self.conv2_1 = conv(128, 128, stride=2), conv(128, 128)
        self.conv3, self.conv3_1 = conv(128, 256, stride=2), conv(256, 256)

    def forward(self, pair: Float[Tensor, "batch 6 height width"]) -> Float[Tensor, "batch 2 height//4 width//4"]:
        """Two images, one after the other in the channels -> flow in 1/20 px."""
        level_1 = self.conv1_1(self.conv1(self.conv0(pair)))
        level_2 = self.conv2_1(self.conv2(level_1))
        return self._flow_from(level_2, self.conv3_1(self.conv3(level_2)))


class FlowNetFusion(Refinement):
    """Merges the flow of the stack and that of SD at full resolution: 581,226 parameters."""

    def __init__(self) -> None:
        super().__init__({0: 64, 1: 128, 2: 128}, {1: 32, 0: 16}, smooth=True, flow_bias=True)
        self.conv0 = conv(11, 64)
        self.conv1, self.conv1_1 = conv(64, 64, stride=2), conv(64, 128)
        self.conv2, self.conv2_1 = conv(128, 128, stride=2), conv(128, 128)

    def forward(self, maps: Float[Tensor, "batch 11 height width"]) -> Float[Tensor, "batch 2 height width"]:
        """First image, two flows, their lengths and what each leaves -> flow in px."""
        level_0 = self.conv0(maps)
        level_1 = self.conv1_1(self.conv1(level_0))
        return self.refine({0: level_0, 1: level_1, 2: self.conv2_1(self.conv2(level_1))})
