"""CNN-LSTM over expression states: onset, onset to apex, apex, apex to offset, offset."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from mer.errors import MerError, require_integer, require_number
from mer.models.cnn_lstm.objective import StateMeans, class_spread, state_continuity, state_means, state_spread
from mer.models.frames import each_frame
from mer.models.inputs import require_inputs

STATES = 5
_STEP = 0.1  # of the means towards a batch's
_SMALLEST_PX = 29  # below it the third pool has nothing left


class StateCNN(nn.Module):
    """Three 3x3 convolutions, each pooled 3x3 by 2, and two hidden layers: a frame -> its feature f.

    Args:
        in_channels: channels of a frame.
        input_size: height and width, px.
        widths: channels of the convolutions.
        hidden: units of both hidden layers, the length of f.
        dropout: probability before each of them.
    """

    def __init__(self, in_channels: int, input_size: int, widths: Sequence[int], hidden: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        side = require_integer("features.size", input_size, _SMALLEST_PX, 10_000)
        for channels, width in zip((in_channels, *widths), widths, strict=False):
            layers += [nn.Conv2d(channels, width, 3), nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2)]
            side = (side - 2 - 3) // 2 + 1
        self.convolutions = nn.Sequential(*layers)
        self.hidden = nn.Sequential(
            *(nn.Dropout(dropout), nn.Linear(widths[-1] * side**2, hidden), nn.ReLU(inplace=True)),
            *(nn.Dropout(dropout), nn.Linear(hidden, hidden), nn.ReLU(inplace=True)),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                # Of the little that frames of a clip differ by, five layers of torch's own weights leave nothing.
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch hidden"]:
        """``(B, C, H, W)`` -> ``(B, hidden)``."""
        features: Tensor = self.hidden(self.convolutions(images).flatten(1))
        return features


class StateLSTM(nn.Module):
    """Features of five frames, one an expression state, through an LSTM.

    Its loss has terms of its own, see :meth:`training_pass`: beside the clip's class it learns to tell the class and
    the state of each frame, and to draw the frames of a class, and of a state, together.

    Source: Kim, Baddar and Ro, ACM MM 2016, doi 10.1145/2964284.2967247; layers of the CNN as in a public
    re-implementation, those of the LSTM are mer's choice.

    Args:
        num_classes: number of logits.
        input_size: height and width of a frame, px.
        in_channels: channels of a frame.
        widths: channels of the convolutions.
        hidden: length of a frame's feature.
        lstm_units: of the LSTM.
        dropout: probability before each hidden layer and the last.
        state_weight: of the frames' terms beside the clip's cross-entropy; 0 leaves them out.
        tightness: t of E4, at least 1.
    """

    means: Tensor

    def __init__(
        self,
        num_classes: int,
        input_size: int = 64,
        in_channels: Sequence[int] = (3,),
        widths: Sequence[int] = (32, 64, 64),
        hidden: int = 512,
        lstm_units: int = 512,
        dropout: float = 0.5,
        state_weight: float = 0.1,
        tightness: float = 1.0,
    ) -> None:
        super().__init__()
        require_inputs("the CNN-LSTM", in_channels, 1, "set features=state_frames")
        if len(widths) != 3:
            raise MerError("three of model.widths", f"{len(widths)}", "give one a convolution")
        chance = require_number("model.dropout", dropout, 0, 1)
        hidden = require_integer("model.hidden", hidden, 1, 100_000)
        self.cnn = StateCNN(in_channels[0], input_size, widths, hidden, chance)
        self.lstm = nn.LSTM(hidden, require_integer("model.lstm_units", lstm_units, 1, 100_000), batch_first=True)
        self.head = nn.Sequential(nn.Dropout(chance), nn.Linear(lstm_units, num_classes))
        self.class_head, self.state_head = nn.Linear(hidden, num_classes), nn.Linear(hidden, STATES)
        self.state_weight = require_number("model.state_weight", state_weight, 0, 1e6)
        self.tightness = require_number("model.tightness", tightness, 1, 1e6)
        # What training knows of the classes so far; no part of what the network has learnt to tell.
        self.register_buffer("means", torch.zeros(num_classes, STATES, hidden), persistent=False)

    def forward(self, frames: Float[Tensor, "batch state channel height width"]) -> Float[Tensor, "batch classes"]:
        """``(B, 5, C, H, W)`` -> logits ``(B, num_classes)``.

        Raises:
            MerError: not five frames.
        """
        return self.clip_logits(self.frame_features(frames))

    def training_pass(
        self, frames: Float[Tensor, "batch state channel height width"], target: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch classes"], Tensor]:
        """Logits of clips, and what is added to their cross-entropy: the five terms of :mod:`.objective`, weighted.

        The means that frames are drawn to follow the batches' means, a tenth of the way a step, without gradient.
        """
        features = self.frame_features(frames)
        return self.clip_logits(features), self.state_weight * self._terms(features, target)

    def _terms(self, features: Tensor, target: Tensor) -> Tensor:
        self._follow(features.detach(), target)
        known = StateMeans(self.means.mean(dim=1), self.means)
        states = torch.arange(STATES, device=target.device).expand(len(target), -1)
        of_class = F.cross_entropy(self.class_head(features).flatten(0, 1), target.repeat_interleave(STATES))
        of_state = F.cross_entropy(self.state_head(features).flatten(0, 1), states.flatten())
        spreads = class_spread(features, target, known) + state_spread(features, target, known, self.tightness)
        return of_class + of_state + spreads + state_continuity(features, target, known)

    def _follow(self, features: Tensor, target: Tensor) -> None:
        present = torch.zeros(len(self.means), dtype=torch.bool, device=target.device)
        present[target] = True
        batch = state_means(features, target, len(self.means)).of_state
        step = torch.where(self.means.abs().amax(dim=(1, 2)) > 0, _STEP, 1.0) * present
        self.means.lerp_(batch.to(self.means.dtype), step[:, None, None].to(self.means.dtype))

    def frame_features(self, frames: Tensor) -> Float[Tensor, "batch state hidden"]:
        """Feature f of each frame."""
        if frames.ndim == 5 and frames.shape[1] != STATES:
            raise MerError(
                f"{STATES} frames, one an expression state", f"{frames.shape[1]}", "set features=state_frames"
            )
        return each_frame(self.cnn, frames)

    def clip_logits(self, features: Float[Tensor, "batch state hidden"]) -> Float[Tensor, "batch classes"]:
        """Logits of the LSTM's last output."""
        _, (last, _) = self.lstm(features)
        logits: Tensor = self.head(last[-1])
        return logits
