"""FlowNet 2.0 as a flow method: frames of any size in batches, and the flow back at their own size."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from mer.errors import MerError, require_choice, require_integer
from mer.flow.flownet2.checkpoint import file_digest, find_weights, load_weights
from mer.flow.flownet2.network import SIDE_MULTIPLE, FlowNet2Network
from mer.flow.frames import require_pair

_SMALLEST_SIDE_PX = 16  # enlarged fourfold then
_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class FlowNet2:
    """FlowNet 2.0 with its published weights, the paper's flow.

    Source: Ilg et al., CVPR 2017, doi 10.1109/CVPR.2017.179.

    Args:
        weights: file of the weights, NVIDIA's or ptlflow's checkpoint or a safetensors file of the same tensors; None
            for a published file in torch's folder of checkpoints. They are never fetched: their licence is the user's
            to accept.
        precision: of the networks, ``float32`` or ``bfloat16``.
        batch: pairs that go through the networks at once.
    """

    def __init__(self, weights: str | None = None, precision: str = "float32", batch: int = 4) -> None:
        self.weights = weights
        self.precision = require_choice("flow.precision", precision, _PRECISIONS)
        self.batch = require_integer("flow.batch", batch, 1, 4096)

    @torch.no_grad()
    def __call__(
        self, first: Float[Tensor, "batch channel height width"], second: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch 2 height width"]:
        """Flow from ``first`` to ``second``, both ``(B, 1|3, H, W)`` in [0, 1] -> ``(B, 2, H, W)`` in px.

        Raises:
            MerError: the shapes differ, are not those above or are too small; or there are no usable weights.
        """
        pairs = to_rgb(first), to_rgb(second)
        require_pair(first, second, min(first.shape[2:]), _SMALLEST_SIDE_PX, "FlowNet 2.0")
        network = self._network.to(first.device, _PRECISIONS[self.precision])
        # A fifth faster on CPUs than torch's own layout.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        batches = zip(*(torch.split(frames, self.batch) for frames in pairs), strict=True)
        return torch.cat([flow_at_any_size(network, one, two) for one, two in batches])

    def state(self) -> dict[str, Any]:
        """What decides the flow, for the store's key: the weights' content, not where they lie.

        Raises:
            MerError: there are no usable weights. Asked before any other work, it saves that work's time.
        """
        _ = self._network  # weights that do not fit are told of now
        return {"method": "flownet2", "weights": file_digest(self._file), "precision": self.precision}

    @cached_property
    def _file(self) -> Path:
        return find_weights(self.weights)

    @cached_property
    def _network(self) -> torch.nn.Module:
        with torch.device("meta"):
            network = FlowNet2Network()
        return load_weights(network, self._file).eval()


def flow_at_any_size(
    network: Callable[[Tensor, Tensor], Tensor],
    first: Float[Tensor, "batch 3 height width"],
    second: Float[Tensor, "batch 3 height width"],
) -> Float[Tensor, "batch 2 height width"]:
    """Flow by a network that takes only sides of a multiple of 64 px.

    Frames are enlarged bilinearly to the next multiple and the flow is shrunk back, u by W / W' and v by H / H': so
    the authors' own program does it, and the networks never see the edge that padding would put in.
    """
    size = first.shape[2:]
    whole = [-(-side // SIDE_MULTIPLE) * SIDE_MULTIPLE for side in size]
    if list(size) == whole:
        return network(first, second)
    flow = _resize(network(_resize(first, whole), _resize(second, whole)), list(size))
    scale = torch.tensor([size[1] / whole[1], size[0] / whole[0]], dtype=flow.dtype, device=flow.device)
    return flow * scale[:, None, None]


def to_rgb(frames: Tensor) -> Float[Tensor, "batch 3 height width"]:
    """``(B, 1|3, H, W)`` -> ``(B, 3, H, W)`` float32, grey repeated.

    Raises:
        MerError: another number of dimensions or channels, or bytes.
    """
    if frames.ndim != 4 or frames.shape[1] not in (1, 3) or not frames.is_floating_point():
        raise MerError("float frames (B, 1|3, H, W)", f"{frames.dtype} {tuple(frames.shape)}", "give batches in [0, 1]")
    return frames.float().expand(-1, 3, -1, -1)


def _resize(maps: Tensor, size: list[int]) -> Tensor:
    # No antialiasing: by less than a half, it would put ripples on a linear flow, and on its strain.
    return F.interpolate(maps, size, mode="bilinear", align_corners=False)
