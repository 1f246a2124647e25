"""Flow by any network of ptlflow, where the user has installed it."""

import importlib
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mer.errors import MerError
from mer.flow.frames import require_frames, require_pair

_SMALLEST_PX = 16  # of the shorter side


class PtlFlow:
    """A model of ptlflow (Morimitsu, https://github.com/hmorimitsu/ptlflow), which fetches its weights on first use.

    Args:
        model: as ptlflow spells it: ``raft``, ``sea_raft_s``, ...
        weights: name of one of its checkpoints, or a file.

    Raises:
        MerError: ptlflow is not installed, or has no such model or checkpoint.
    """

    def __init__(self, model: str, weights: str = "things") -> None:
        try:
            ptlflow = importlib.import_module("ptlflow")
        except ImportError as error:
            raise MerError("ptlflow", str(error), "pip install ptlflow") from error
        try:
            self._net: Any = ptlflow.get_model(model, ckpt_path=weights).eval()
        except ValueError as error:
            wanted = f"weights {weights} of ptlflow's model {model}"
            raise MerError(wanted, str(error), "see https://ptlflow.readthedocs.io for their names") from error

    @torch.no_grad()
    def __call__(
        self, first: Float[Tensor, "batch channel height width"], second: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch 2 height width"]:
        """Flow from ``first`` to ``second``, both ``(B, 1|3, H, W)`` in [0, 1] -> ``(B, 2, H, W)`` in px.

        Raises:
            MerError: the shapes differ, are not those above or are too small.
        """
        require_frames(first)
        require_pair(first, second, min(first.shape[2:]), _SMALLEST_PX, "ptlflow")
        # ptlflow's images are blue, green, red.
        images = torch.stack([first, second], dim=1).expand(-1, -1, 3, -1, -1).flip(2)
        flows: Tensor = self._net.to(first.device)({"images": images})["flows"]
        return flows[:, 0].float()
