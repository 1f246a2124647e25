"""The whole stack with random weights, built once."""

import math

import pytest
import torch
from torch import nn

from mer.flow.flownet2 import FlowNet2Network


def randomise(network: nn.Module, seed: int = 0) -> None:
    """Weights that keep the maps' size from layer to layer, so that every layer shows in the result."""
    generator = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            taps = layer.weight[0, 0].numel() / (4 if isinstance(layer, nn.ConvTranspose2d) else 1)
            bound = math.sqrt(6 / (layer.in_channels * taps))
            nn.init.uniform_(layer.weight, -bound, bound, generator)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -0.1, 0.1, generator)


@pytest.fixture(scope="session")
def network() -> FlowNet2Network:
    with torch.device("meta"):
        stack = FlowNet2Network()
    stack = stack.to_empty(device="cpu").requires_grad_(False).eval()
    randomise(stack)
    return stack
