"""Graph-TCN: patches at facial landmarks as a graph's nodes, followed in time by dilated convolutions."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError, require_integer, require_number
from mer.models.graph_tcn.graph import LANDMARKS, landmark_edges, normalised_adjacency
from mer.models.inputs import require_inputs

_Sequences = Float[Tensor, "batch width time"]


class TemporalBlock(nn.Module):
    """Two causal dilated convolutions in time beside a shortcut.

    Source: Bai, Kolter and Koltun 2018, arXiv:1803.01271.

    Args:
        in_channels: of the sequences.
        width: channels it makes.
        kernel: length of the convolutions.
        dilation: frames between their taps.
        dropout: probability after each.
    """

    def __init__(self, in_channels: int, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.past = nn.ConstantPad1d(((kernel - 1) * dilation, 0), 0.0)
        self.first = nn.Conv1d(in_channels, width, kernel, dilation=dilation)
        self.second = nn.Conv1d(width, width, kernel, dilation=dilation)
        self.shortcut = nn.Conv1d(in_channels, width, 1) if in_channels != width else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(self, sequences: _Sequences) -> _Sequences:
        """``(B, C, T)`` -> ``(B, width, T)``; no output sees a later frame."""
        seen = self.dropout(self.first(self.past(sequences)).relu())
        seen = self.dropout(self.second(self.past(seen)).relu())
        output: Tensor = (seen + self.shortcut(sequences)).relu()
        return output


class GraphTCN(nn.Module):
    """Two channels, of nodes and of edges, each a TCN; joined by a linear layer.

    Nodes are mixed along a learned adjacency, which starts as the landmark graph's; an edge's sequence is the
    difference of its nodes'. Every node and edge is followed by the same convolutions.

    Source: Lei, Li, Chen and Li, ACM MM 2020, doi 10.1145/3394171.3413714 (two channels, node and edge; a learned
    adjacency); graph, widths and the channels' fusion are mer's choice.

    Args:
        num_classes: number of logits.
        input_size: taken as all networks take it; patches have their own size.
        in_channels: px of a patch.
        widths: channels of the blocks; their dilations are 1, 2, 4, ..
        kernel: length of the convolutions, frames.
        dropout: probability after each, and before the last layer.
    """

    adjacency: Tensor
    edges: Tensor

    def __init__(
        self,
        num_classes: int,
        input_size: int = 0,
        in_channels: Sequence[int] = (49,),
        widths: Sequence[int] = (32, 32),
        kernel: int = 3,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        require_inputs("Graph-TCN", in_channels, 1, "set features=landmark_patches")
        chance = require_number("model.dropout", dropout, 0, 1)
        kernel = require_integer("model.kernel", kernel, 1, 1000)
        edges = landmark_edges()
        self.register_buffer("edges", edges, persistent=False)
        self.adjacency = nn.Parameter(normalised_adjacency(edges, len(LANDMARKS)))
        self.node_channel = _temporal(in_channels[0], widths, kernel, chance)
        self.edge_channel = _temporal(in_channels[0], widths, kernel, chance)
        self.dropout = nn.Dropout(chance)
        self.head = nn.Linear((len(LANDMARKS) + len(edges)) * widths[-1], num_classes)

    def forward(self, patches: Float[Tensor, "batch time node pixel"]) -> Float[Tensor, "batch classes"]:
        """Patches ``(B, T, 28, P)`` -> logits ``(B, num_classes)``.

        Raises:
            MerError: not of 28 landmarks.
        """
        if patches.ndim != 4 or patches.shape[2] != len(LANDMARKS):
            expected = f"patches (B, T, {len(LANDMARKS)}, P)"
            raise MerError(expected, f"{tuple(patches.shape)}", "set features=landmark_patches")
        nodes = torch.einsum("ij,btjp->btip", self.adjacency, patches)
        edges = patches[:, :, self.edges[:, 1]] - patches[:, :, self.edges[:, 0]]
        seen = [_follow(self.node_channel, nodes), _follow(self.edge_channel, edges)]
        logits: Tensor = self.head(self.dropout(torch.cat(seen, dim=-1)))
        return logits


def _temporal(in_channels: int, widths: Sequence[int], kernel: int, dropout: float) -> nn.Sequential:
    inputs = (in_channels, *widths)
    return nn.Sequential(
        *(
            TemporalBlock(channels, require_integer("each of model.widths", width, 1, 4096), kernel, 2**level, dropout)
            for level, (channels, width) in enumerate(zip(inputs, widths, strict=False))
        )
    )


def _follow(channel: nn.Module, sequences: Tensor) -> Float[Tensor, "batch feature"]:
    """``(B, T, N, P)`` -> the mean over time of each of the N: ``(B, N width)``."""
    n_clips, n_frames, count, pixels = sequences.shape
    merged = sequences.permute(0, 2, 3, 1).reshape(n_clips * count, pixels, n_frames)
    followed: Tensor = channel(merged).mean(dim=-1)
    return followed.view(n_clips, -1)
