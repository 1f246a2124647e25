"""ELRCN: features of each frame by VGG-16, their course by an LSTM; enriched in space or in time."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError, require_integer
from mer.models.frames import each_frame
from mer.models.vgg import VGG16, VGG16_WIDTHS


class ELRCN(nn.Module):
    """Enriched long-term recurrent convolutional network.

    One input whose channels are stacked (flow, strain, grey) is its spatial enrichment, SE; several inputs, a VGG-16
    each and their features side by side, its temporal enrichment, TE. So ``features=`` chooses between them.

    Source: Khor, See, Phan and Lin, FG 2018, doi 10.1109/FG.2018.00105.

    Args:
        num_classes: number of logits.
        input_size: height and width of a frame, px.
        in_channels: channels of each input's frames.
        widths: of each VGG-16's five blocks.
        hidden: units of its hidden layers.
        lstm_units: of the LSTM.
        dense_units: of the layer after it.
        dropout: probability after each hidden layer of VGG-16.
        weights: a local file for each VGG-16, see :class:`mer.models.vgg.VGG16`; None: from scratch.
        frozen_blocks: blocks, from the first, that keep these weights.
    """

    def __init__(
        self,
        num_classes: int,
        input_size: int = 224,
        in_channels: Sequence[int] = (5,),
        widths: Sequence[int] = VGG16_WIDTHS,
        hidden: int = 4096,
        lstm_units: int = 3000,
        dense_units: int = 128,
        dropout: float = 0.5,
        weights: str | None = None,
        frozen_blocks: int = 0,
    ) -> None:
        super().__init__()
        lstm_units = require_integer("model.lstm_units", lstm_units, 1, 100_000)
        dense_units = require_integer("model.dense_units", dense_units, 1, 100_000)
        self.spatial = nn.ModuleList(
            VGG16(channels, input_size, widths, hidden, dropout, weights, frozen_blocks) for channels in in_channels
        )
        self.lstm = nn.LSTM(hidden * len(in_channels), lstm_units, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(lstm_units, dense_units), nn.ReLU(inplace=True), nn.Linear(dense_units, num_classes)
        )

    def forward(self, *clips: Float[Tensor, "batch time channel height width"]) -> Float[Tensor, "batch classes"]:
        """One ``(B, T, C_i, H, W)`` an input -> logits ``(B, num_classes)``.

        Raises:
            MerError: other inputs than it was built for.
        """
        _, (last, _) = self.lstm(self.frame_features(*clips))
        logits: Tensor = self.head(last[-1])
        return logits

    def frame_features(self, *clips: Tensor) -> Float[Tensor, "batch time feature"]:
        """Features of each frame, all inputs' side by side: ``(B, T, inputs x hidden)``.

        T is that of the shortest input: of frames beside flows, the ones that the flows lead to.
        """
        if len(clips) != len(self.spatial):
            expected = f"{len(self.spatial)} inputs for ELRCN"
            raise MerError(expected, f"{len(clips)}", "choose features=elrcn_se or elrcn_te")
        steps = min(clip.shape[1] for clip in clips)
        last = [clip[:, clip.shape[1] - steps :] for clip in clips]
        return torch.cat([each_frame(cnn, clip) for cnn, clip in zip(self.spatial, last, strict=True)], dim=-1)
