"""A network of two weights in the place of FlowNet 2.0's stack."""

import torch
from torch import Tensor, nn


class Tiny(nn.Module):
    """In the place of the stack: its flow is the difference of red and of green, plus a bias; it notes what it sees."""

    seen: list[tuple[int, ...]]

    def __init__(self) -> None:
        super().__init__()
        self.flownetc = nn.Module()
        self.flownetc.conv1 = nn.Sequential(nn.Conv2d(1, 2, 1))
        Tiny.seen = []

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        Tiny.seen.append(tuple(first.shape))
        bias = self.flownetc.conv1[0].bias
        return (second - first)[:, :2] + bias.float()[:, None, None]


def tiny_tensors(u_px: float, v_px: float) -> dict[str, Tensor]:
    """Its weights for this bias."""
    bias = torch.tensor([u_px, v_px], dtype=torch.float32)
    return {"flownetc.conv1.0.weight": torch.zeros(2, 1, 1, 1), "flownetc.conv1.0.bias": bias}
